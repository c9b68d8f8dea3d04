// One head in workgroup memory, normalized and turned: all THREADS of the workgroup take part.
//
//   turns   [rows, 2 * PAIRS]: cosine and sine of each pair, computed on the host: WGSL promises neither for large angles
//   norms   weights of queries, then of keys, HEAD_SIZE each, four in a vec4
//
// Pair j of a head: features OFFSET + STEP * j and that plus DISTANCE.

var<workgroup> own: array<f32, HEAD_ROOM>;
var<workgroup> squares: array<f32, THREADS>;

fn prepareHead(thread: u32, row: u32, normed: bool, firstWeight: u32, epsilon: f32, turned: bool) {
  workgroupBarrier();
  if normed {
    var sum = 0.0;
    for (var i = thread; i < HEAD_SIZE; i += THREADS) { sum += own[i] * own[i]; }
    squares[thread] = sum;
    workgroupBarrier();
    for (var half = THREADS / 2u; half > 0; half /= 2) {
      if thread < half { squares[thread] += squares[thread + half]; }
      workgroupBarrier();
    }
    let factor = 1.0 / sqrt(squares[0] / f32(HEAD_SIZE) + epsilon);
    for (var i = thread; i < HEAD_SIZE; i += THREADS) { own[i] *= factor * normWeight(firstWeight + i); }
    workgroupBarrier();
  }
  if turned {
    for (var j = thread; j < PAIRS; j += THREADS) {
      let cosine = turns[2 * (row * PAIRS + j)];
      let sine = turns[2 * (row * PAIRS + j) + 1];
      let first = OFFSET + STEP * j;
      let left = own[first];
      let right = own[first + DISTANCE];
      own[first] = left * cosine - right * sine;
      own[first + DISTANCE] = left * sine + right * cosine;
    }
    workgroupBarrier();
  }
}

fn takeQuery(thread: u32, row: u32, head: u32) {
  for (var i = thread; i < HEAD_SIZE; i += THREADS) { own[i] = query[(row * HEADS + head) * HEAD_SIZE + i]; }
  prepareHead(thread, row, NORM_QUERY == 1, 0, QUERY_EPSILON, TURN_QUERY == 1);
}

fn takeKey(thread: u32, row: u32, head: u32) {
  for (var i = thread; i < HEAD_SIZE; i += THREADS) { own[i] = key[(row * KV_HEADS + head) * HEAD_SIZE + i]; }
  prepareHead(thread, row, NORM_KEY == 1, HEAD_SIZE, KEY_EPSILON, TURN_KEY == 1);
}

fn takeValue(thread: u32, row: u32, head: u32) {
  for (var i = thread; i < VALUE_HEAD_SIZE; i += THREADS) {
    own[i] = value[(row * KV_HEADS + head) * VALUE_HEAD_SIZE + i];
  }
  workgroupBarrier();
}

// The head that was taken as elements of the cache; heads fill whole words.
fn putKey(thread: u32, slot: u32, head: u32) {
  let words = HEAD_SIZE * KEY_BITS / 32;
  for (var w = thread; w < words; w += THREADS) {
    var word = 0u;
    for (var e = 0u; e < 32 / KEY_BITS; e++) {
      let i = w * (32 / KEY_BITS) + e;
      word |= keyCode(own[i], head * HEAD_SIZE + i) << (KEY_BITS * e);
    }
    keys[slot * KEY_WORDS + head * words + w] = word;
  }
}

fn putValue(thread: u32, slot: u32, head: u32) {
  let words = VALUE_HEAD_SIZE * VALUE_BITS / 32;
  for (var w = thread; w < words; w += THREADS) {
    var word = 0u;
    for (var e = 0u; e < 32 / VALUE_BITS; e++) {
      let i = w * (32 / VALUE_BITS) + e;
      word |= valueCode(own[i], head * VALUE_HEAD_SIZE + i) << (VALUE_BITS * e);
    }
    values[slot * VALUE_WORDS + head * words + w] = word;
  }
}

// A quad of the head that was taken; nothing past its end.
fn ownQuad(quad: u32, size: u32) -> vec4f {
  var four = vec4f();
  for (var e = 0u; e < 4; e++) {
    if 4 * quad + e < size { four[e] = own[4 * quad + e]; }
  }
  return four;
}

// The same as the cache keeps it.
fn keptKeyQuad(head: u32, quad: u32) -> vec4f {
  var four = vec4f();
  for (var e = 0u; e < 4; e++) {
    let i = 4 * quad + e;
    let feature = head * HEAD_SIZE + i;
    if i < HEAD_SIZE { four[e] = keyNumber(keyCode(own[i], feature), feature); }
  }
  return four;
}

fn keptValueQuad(head: u32, quad: u32) -> vec4f {
  var four = vec4f();
  for (var e = 0u; e < 4; e++) {
    let i = 4 * quad + e;
    let feature = head * VALUE_HEAD_SIZE + i;
    if i < VALUE_HEAD_SIZE { four[e] = valueNumber(valueCode(own[i], feature), feature); }
  }
  return four;
}
