/** Uniform numbers in [0, 1), the same for the same seed. */
export type Random = () => number;

/** 53 bits of one step of SplitMix64 per number. Source: Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators" (2014). */
export function createRandom(seed: number): Random {
  let state = BigInt.asUintN(64, BigInt(seed));
  return () => {
    state = BigInt.asUintN(64, state + 0x9e3779b97f4a7c15n);
    let z = state;
    z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n);
    z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d049bb133111ebn);
    z ^= z >> 31n;
    return Number(z >> 11n) / 2 ** 53;
  };
}

/** A seed for requests that give none. */
export function randomSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0]!;
}
