/** A small generator of numbers that are the same in every run: mulberry32, by Tommy Ettinger (public domain). */
export interface Random {
  /** Uniform in `[0, 1)`. */
  next(): number;
  /** A whole number in `[least, greatest]`. */
  integer(least: number, greatest: number): number;
  uniform(least: number, greatest: number): number;
  /** `length` numbers, uniform in `[-1, 1)`. */
  floats(length: number): Float32Array;
  /** 0 to `length - 1`, in another order. */
  permutation(length: number): number[];
}

export function createRandom(seed: number): Random {
  let state = seed | 0;
  const random: Random = {
    next() {
      state = (state + 0x6d2b79f5) | 0;
      let mixed = Math.imul(state ^ (state >>> 15), state | 1);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
    },
    integer: (least, greatest) => least + Math.floor(random.next() * (greatest - least + 1)),
    uniform: (least, greatest) => least + random.next() * (greatest - least),
    floats: (length) => Float32Array.from({ length }, () => random.uniform(-1, 1)),
    permutation(length) {
      const order = Array.from({ length }, (_, index) => index);
      for (let last = length - 1; last > 0; last--) {
        const other = random.integer(0, last);
        [order[last], order[other]] = [order[other]!, order[last]!];
      }
      return order;
    },
  };
  return random;
}
