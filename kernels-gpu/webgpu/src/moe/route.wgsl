// The TOP_K experts of each row and their weights, as MoeOperation of @lowbit/core says. One thread does a row.
//
//   logits    [rows, EXPERTS]
//   bias      [EXPERTS], added to the scores for the choice
//   experts   [rows, TOP_K]        weights the same
//
// Where only the order of the scores counts, logits are compared: scores of two logits may round to one number.

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let row = id.x;
  if row >= counts.x { return; }
  var scores: array<f32, EXPERTS>;
  var keys: array<f32, EXPERTS>;
  var largest = logits[row * EXPERTS];
  for (var e = 1u; e < EXPERTS; e++) { largest = max(largest, logits[row * EXPERTS + e]); }
  var sum = 0.0;
  for (var e = 0u; e < EXPERTS; e++) {
    let logit = logits[row * EXPERTS + e];
    if SOFTMAX == 1 {
      scores[e] = exp(logit - largest);
      sum += scores[e];
    } else {
      scores[e] = 1.0 / (1.0 + exp(min(-logit, 88.0)));
    }
    keys[e] = logit;
  }
  for (var e = 0u; e < EXPERTS; e++) {
    if SOFTMAX == 1 { scores[e] /= sum; }
    if BY_SCORE == 1 { keys[e] = scores[e] + biasOf(e); }
  }
  if GROUPS > 0 { keepBestGroups(&keys); }

  var total = 0.0;
  for (var k = 0u; k < TOP_K; k++) {
    let best = bestOf(&keys);
    keys[best] = TAKEN;
    experts[row * TOP_K + k] = best;
    weights[row * TOP_K + k] = scores[best];
    total += scores[best];
  }
  for (var k = 0u; k < TOP_K; k++) {
    var weight = weights[row * TOP_K + k];
    if NORMALIZE == 1 { weight /= total; }
    weights[row * TOP_K + k] = weight * SCALE;
  }
}

const TAKEN = -3.4e38;

// Of equals, the lowest.
fn bestOf(keys: ptr<function, array<f32, EXPERTS>>) -> u32 {
  var best = 0u;
  for (var e = 1u; e < EXPERTS; e++) {
    if (*keys)[e] > (*keys)[best] { best = e; }
  }
  return best;
}

// Takes out the experts of all groups but the CHOSEN_GROUPS best, a group of GROUP_EXPERTS being as good as its best
// expert or its two best together.
fn keepBestGroups(keys: ptr<function, array<f32, EXPERTS>>) {
  var groupScores: array<f32, max(GROUPS, 1)>;
  for (var g = 0u; g < GROUPS; g++) {
    var first = TAKEN;
    var second = TAKEN;
    for (var e = g * GROUP_EXPERTS; e < (g + 1) * GROUP_EXPERTS; e++) {
      let key = (*keys)[e];
      if key > first {
        second = first;
        first = key;
      } else {
        second = max(second, key);
      }
    }
    groupScores[g] = first;
    if TWO_LARGEST == 1 && GROUP_EXPERTS > 1 { groupScores[g] = first + second; }
  }
  var kept: array<bool, max(GROUPS, 1)>;
  for (var chosen = 0u; chosen < CHOSEN_GROUPS; chosen++) {
    var best = u32(GROUPS);
    for (var g = 0u; g < GROUPS; g++) {
      if !kept[g] && (best == GROUPS || groupScores[g] > groupScores[best]) { best = g; }
    }
    kept[best] = true;
  }
  for (var e = 0u; e < EXPERTS; e++) {
    if !kept[e / max(GROUP_EXPERTS, 1)] { (*keys)[e] = TAKEN; }
  }
}
