// packed[to + row, w] = numbers 2w and 2w + 1 of the row, as halfOf() makes them: 16-bit floats that are those numbers
//
//   numbers   [rows, groups], from word `fromWord` on
//   packed    [rows, ceil(groups / 2)], from word `toWord` on; a last odd number has a zero beside it

struct Task { rows: u32, groups: u32, fromWord: u32, toWord: u32 }

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let words = (task.groups + 1) / 2;
  let w = group.x * 64 + thread;
  let row = group.y + group.z * 32768;
  if w >= words || row >= task.rows { return; }
  let first = task.fromWord + row * task.groups + 2 * w;
  var word = halfOf(numbers[first]);
  if 2 * w + 1 < task.groups { word |= halfOf(numbers[first + 1]) << 16; }
  packed[task.toWord + row * words + w] = word;
}
