// Sorts rows by the expert that each chose, and cuts those of each expert into tiles
//
//   experts   [rows]
//   tiles     [MOST_TILES, 3]   expert, first of its rows in the list, how many (at most TILE_ROWS); unused ones have none
//             [rows]            from SORTED_AT on: the rows, those of the first expert first
//
// One workgroup does it all. In what order rows of one expert come does not matter: each is multiplied by itself.

const THREADS = 256;
var<workgroup> places: array<atomic<u32>, EXPERTS>;

@compute @workgroup_size(THREADS)
fn main(@builtin(local_invocation_index) thread: u32) {
  let rows = counts.x * SLOTS;
  for (var e = thread; e < EXPERTS; e += THREADS) { atomicStore(&places[e], 0u); }
  workgroupBarrier();
  for (var row = thread; row < rows; row += THREADS) { atomicAdd(&places[experts[row]], 1u); }
  workgroupBarrier();
  if thread == 0 {
    var first = 0u;
    var tile = 0u;
    for (var e = 0u; e < EXPERTS; e++) {
      let count = atomicLoad(&places[e]);
      atomicStore(&places[e], first);
      for (var start = 0u; start < count; start += TILE_ROWS) {
        setTile(tile, e, first + start, min(count - start, TILE_ROWS));
        tile += 1;
      }
      first += count;
    }
    for (; tile < MOST_TILES; tile++) { setTile(tile, 0, 0, 0); }
  }
  workgroupBarrier();
  for (var row = thread; row < rows; row += THREADS) {
    tiles[SORTED_AT + atomicAdd(&places[experts[row]], 1u)] = row;
  }
}

fn setTile(tile: u32, expert: u32, first: u32, rows: u32) {
  tiles[3 * tile] = expert;
  tiles[3 * tile + 1] = first;
  tiles[3 * tile + 2] = rows;
}
