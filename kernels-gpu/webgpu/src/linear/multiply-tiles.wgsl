// y[row, out] = sum over columns of x[row, column] * weight[out, column], for many rows, f32
//
// 128 threads make 64 rows by 128 outputs, each 8 by 8. Half a slice, 16 columns, stands in workgroup memory at a time,
// weights as numbers:
//
//   xTile        [16][64]    column by column; thread t reads rows 4 (t / 16) ... and 32 more
//   weightTile   [16][128]   the same; thread t reads outputs 4 (t % 16) ... and 64 more, and fills those of its own
//
// Halves of a slice have one scale, zero point and shift each. Unrolled by gpu/unroll.ts.

const TILE_ROWS = 64;
const TILE_OUTS = 128;
const THREADS = 128;
const HALF = 16;
var<workgroup> xTile: array<vec4f, HALF * TILE_ROWS / 4>;
var<workgroup> weightTile: array<vec4f, HALF * TILE_OUTS / 4>;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let tile = tileOf(group.y);
  if tile.rows == 0 { return; }
  fillTable(thread);
  let firstOut = OUT_START + group.x * TILE_OUTS;
  // Rows before the part wrap around, and so lie past its end too.
  let first = tile.matrix * OUT_FEATURES + firstOut - PART_FIRST;
  let p = min(first + thread, PART_ROWS - 1);
  let line = thread % TILE_ROWS;
  let source = sourceOf(tile, min(line, tile.rows - 1));
  let across = thread % 16;
  let down = thread / 16;
  var sums: array<array<vec4f, 2>, 8>;
  var next = loadSlice(p * ROW_WORDS);
  // Columns of x that this thread brings; read ahead, they would take registers that the sums need.
  let column = thread / TILE_ROWS * 8;
  for (var slice = 0u; slice < SLICES; slice++) {
    let codes = next;
    if slice + 1 < SLICES { next = loadSlice(p * ROW_WORDS + (slice + 1) * BITS); }
    // loop q 2
    {
      let start = 32 * slice + HALF * $q;
      let g = start / GROUP_SIZE;
      let scale = scaleAt(p, g);
      let addend = shiftAt(p, g) - (UNIT * BASE + zeroAt(p, g)) * scale;
      // repeat i 8
      if $i / 4 == $q { setWeight(4 * ($i % 4), thread, quarter$i(codes) * (UNIT * scale) + addend); }
      // end
      // loop j 2
      setX(column + 4 * $j, line, xFour(source, start + column + 4 * $j));
      // end
    }
    workgroupBarrier();
    for (var k = 0u; k < HALF; k++) {
      let weights = array<vec4f, 2>(weightTile[k * 32 + across], weightTile[k * 32 + 16 + across]);
      let xs = array<vec4f, 2>(xTile[k * 16 + down], xTile[k * 16 + 8 + down]);
      // loop g 2
      // loop h 2
      // loop i 4
      sums[4 * $g + $i][$h] += xs[$g][$i] * weights[$h];
      // end
      // end
      // end
    }
    workgroupBarrier();
    // end
  }
  // loop g 2
  // loop i 4
  if 32 * $g + 4 * down + $i < tile.rows {
    let row = rowIn(tile, 32 * $g + 4 * down + $i);
    if inPhase(row / SLOTS) {
      // loop h 2
      // loop j 4
      put(tile.matrix, row, first, firstOut, 64 * $h + 4 * across + $j, sums[4 * $g + $i][$h][$j]);
      // end
      // end
    }
  }
  // end
  // end
}

fn setWeight(column: u32, out: u32, numbers: vec4f) {
  // loop i 4
  weightTile[(column + $i) * 32 + out / 4][out % 4] = numbers[$i];
  // end
}

fn setX(column: u32, line: u32, numbers: vec4f) {
  // loop i 4
  xTile[(column + $i) * 16 + line / 4][line % 4] = numbers[$i];
  // end
}

fn put(matrix: u32, row: u32, first: u32, firstOut: u32, place: u32, sum: f32) {
  let out = firstOut + place;
  if first + place < PART_ROWS && out < OUT_FEATURES {
    store(row, out, finished(sum, matrix * OUT_FEATURES + out));
  }
}
