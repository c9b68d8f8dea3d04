// numbers[(r - FIRST) * groups + g] = that (* | / | +) table[r / blockRows, column of g]
//
// The table has one number per block of the weight, the target one per row and group. `table` and `numbers` are f32.

struct Task {
  firstRow: u32,     // of the target, in the matrix of the table
  rows: u32,
  groups: u32,
  groupSize: u32,
  blockRows: u32,
  blockColumns: u32, // 0: groups are the table's own columns
  tableColumns: u32,
  at: u32,           // word of the first row in numbers
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let g = group.x * 64 + thread;
  let row = group.y + group.z * 32768;
  if g >= task.groups || row >= task.rows { return; }
  var column = g;
  if task.blockColumns != 0 { column = g * task.groupSize / task.blockColumns; }
  let value = table[(task.firstRow + row) / task.blockRows * task.tableColumns + column];
  let place = task.at + row * task.groups + g;
  let before = numbers[place];
  switch OPERATION {
    case 0: { numbers[place] = before * value; }
    case 1: { numbers[place] = divide(before, value); }
    default: { numbers[place] = before + value; }
  }
}
