const buckets = 2048;

/**
 * The fewest of `ids` with the smallest `values` whose costs together reach `wanted`; all of them where they do not. Of equal
 * values, the lowest id comes first.
 *
 * A vocabulary is too long to sort for every token. One pass adds up costs in buckets of values, which tells the bucket where
 * `wanted` is reached; what lies below it is taken, what lies above is not, and only that bucket is sorted.
 * @param values by id, none of them NaN; `Infinity` is the largest
 * @returns ids in no particular order
 */
export function takeSmallest(
  ids: Int32Array,
  values: Float64Array,
  costOf: (id: number) => number,
  wanted: number,
): Int32Array {
  const [smallest, largest] = finiteRange(ids, values);
  const scale = (buckets - 1) / (largest - smallest);
  // Values that are the same, or next to it, share one bucket; infinite ones have the last.
  const bucketOf = (id: number) => {
    const value = values[id]!;
    if (value > largest) return buckets - 1;
    return scale < Number.POSITIVE_INFINITY ? Math.floor((value - smallest) * scale) : 0;
  };

  const costs = new Float64Array(buckets);
  for (const id of ids) costs[bucketOf(id)]! += costOf(id);
  let last = 0;
  let reached = 0;
  while (last < buckets && reached + costs[last]! < wanted) reached += costs[last++]!;
  if (last === buckets) return ids;

  const taken = new Int32Array(ids.length);
  const inLast: number[] = [];
  let count = 0;
  for (const id of ids) {
    const bucket = bucketOf(id);
    if (bucket < last) taken[count++] = id;
    else if (bucket === last) inLast.push(id);
  }
  for (const id of inLast.sort((a, b) => values[a]! - values[b]! || a - b)) {
    if (reached >= wanted) break;
    taken[count++] = id;
    reached += costOf(id);
  }
  return taken.subarray(0, count);
}

function finiteRange(ids: Int32Array, values: Float64Array): [smallest: number, largest: number] {
  let smallest = Number.POSITIVE_INFINITY;
  let largest = Number.NEGATIVE_INFINITY;
  for (const id of ids) {
    const value = values[id]!;
    if (value < smallest) smallest = value;
    if (value > largest && value < Number.POSITIVE_INFINITY) largest = value;
  }
  return [smallest, largest];
}
