// y[row, out] = sum over columns of x[row, column] * weight[out, column], for many rows, x signed bytes, codes of up to 8 bits
//
// 128 threads make 64 rows by 128 outputs, each 8 by 8: thread t rows t / 16, + 8, ... and outputs t % 16, + 16, ....
// STEP columns stand in workgroup memory as bytes, 16 in a vector, each line one vector longer than that: threads stay off
// each other's banks.
//
//   x         [rows, SLICES][32] bytes
//   xSums     [rows, CHUNKS]      scale of x, and the sum of its codes
//
// Integer sums become f32 after every chunk of CHUNK columns, which has one scale and zero point of the weight and one
// scale of x; with INTEGER_SUMS only at the end. They fit: 255 * 128 * 2^15 < 2^31. Unrolled by gpu/unroll.ts.

const TILE_ROWS = 64;
const TILE_OUTS = 128;
const THREADS = 128;
const STEP = 32 * SLICES_OF_STEP;
const VECTORS = STEP / 16;
const LINE = VECTORS + 1;
var<workgroup> xTile: array<vec4u, TILE_ROWS * LINE>;
var<workgroup> weightTile: array<vec4u, TILE_OUTS * LINE>;

fn dotVectors(a: vec4u, b: vec4u) -> i32 {
  return dotBytes(a.x, b.x) + dotBytes(a.y, b.y) + dotBytes(a.z, b.z) + dotBytes(a.w, b.w);
}

// Zeros beyond the end of a row.
fn sliceOf(p: u32, slice: u32) -> Slice {
  if slice < SLICES { return loadSlice(p * ROW_WORDS + slice * BITS); }
  return Slice();
}

fn vectorOf(source: u32, vector: u32) -> vec4u {
  if vector < 2 * SLICES { return xBytes(source, vector); }
  return vec4u();
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let tile = tileOf(group.y);
  if tile.rows == 0 { return; }
  let firstOut = OUT_START + group.x * TILE_OUTS;
  // Rows before the part wrap around, and so lie past its end too.
  let first = tile.matrix * OUT_FEATURES + firstOut - PART_FIRST;
  let p = min(first + thread, PART_ROWS - 1);
  let line = thread % TILE_ROWS;
  let source = sourceOf(tile, min(line, tile.rows - 1));
  let across = thread % 16;
  let down = thread / 16;
  var sources: array<u32, 8>;
  var sums: array<array<vec4i, 2>, 8>;
  var totals: array<array<vec4f, 2>, 8>;
  // loop i 8
  sources[$i] = sourceOf(tile, min(down + 8 * $i, tile.rows - 1));
  // end
  // Each thread brings all columns of one output, and half of those of one row; those of the next step on their way
  // while this one is multiplied.
  // repeat s SLICES_OF_STEP
  var codes$s = sliceOf(p, $s);
  var vector$s = vectorOf(source, thread / TILE_ROWS + 2 * $s);
  // end
  for (var start = 0u; start < 32 * SLICES; start += STEP) {
    // repeat s SLICES_OF_STEP
    weightTile[thread * LINE + 2 * $s] = vec4u(bytes0(codes$s), bytes1(codes$s), bytes2(codes$s), bytes3(codes$s));
    weightTile[thread * LINE + 2 * $s + 1] = vec4u(bytes4(codes$s), bytes5(codes$s), bytes6(codes$s), bytes7(codes$s));
    xTile[line * LINE + thread / TILE_ROWS + 2 * $s] = vector$s;
    codes$s = sliceOf(p, (start + STEP) / 32 + $s);
    vector$s = vectorOf(source, (start + STEP) / 16 + thread / TILE_ROWS + 2 * $s);
    // end
    workgroupBarrier();
    for (var v = 0u; v < VECTORS; v++) {
      var weights: array<vec4u, 8>;
      // loop j 8
      weights[$j] = weightTile[(across + 16 * $j) * LINE + v];
      // end
      // loop i 8
      {
        let mine = xTile[(down + 8 * $i) * LINE + v];
        // loop h 2
        sums[$i][$h] += vec4i(
          dotVectors(weights[4 * $h], mine), dotVectors(weights[4 * $h + 1], mine),
          dotVectors(weights[4 * $h + 2], mine), dotVectors(weights[4 * $h + 3], mine),
        );
        // end
      }
      // end
    }
    if INTEGER_SUMS == 0 && ((start + STEP) % CHUNK == 0 || start + STEP >= 32 * SLICES) {
      let g = start / GROUP_SIZE;
      let chunk = start / CHUNK;
      var scales: array<vec4f, 2>;
      var zeros: array<vec4f, 2>;
      // loop h 2
      // loop j 4
      scales[$h][$j] = scaleAt(min(first + across + 64 * $h + 16 * $j, PART_ROWS - 1), g);
      zeros[$h][$j] = zeroAt(min(first + across + 64 * $h + 16 * $j, PART_ROWS - 1), g);
      // end
      // end
      // loop i 8
      {
        let scaleAndSum = xSumsAt(sources[$i], chunk);
        // loop h 2
        totals[$i][$h] += (vec4f(sums[$i][$h]) - zeros[$h] * scaleAndSum.y) * (scales[$h] * scaleAndSum.x);
        sums[$i][$h] = vec4i();
        // end
      }
      // end
    }
    workgroupBarrier();
  }
  // loop i 8
  if down + 8 * $i < tile.rows {
    let row = rowIn(tile, down + 8 * $i);
    if inPhase(row / SLOTS) {
      // loop h 2
      // loop j 4
      put(tile.matrix, sources[$i], row, first, firstOut, across + 64 * $h + 16 * $j, totals[$i][$h][$j], sums[$i][$h][$j]);
      // end
      // end
    }
  }
  // end
}

fn put(matrix: u32, source: u32, row: u32, first: u32, firstOut: u32, place: u32, total: f32, sum: i32) {
  let out = firstOut + place;
  if first + place < PART_ROWS && out < OUT_FEATURES {
    store(row, out, resultOf(total, sum, source, matrix * OUT_FEATURES + out));
  }
}
