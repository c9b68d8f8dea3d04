import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { takeSmallest } from './take-smallest.ts';

describe('takeSmallest', () => {
  it('takes what the head of a full sort holds', () => {
    const value = fc.oneof(
      fc.integer({ min: -3, max: 3 }),
      fc.double({ min: -1e6, max: 1e6, noNaN: true }),
      fc.constant(Number.POSITIVE_INFINITY),
    );
    fc.assert(
      fc.property(
        fc.array(value, { maxLength: 60 }),
        fc.integer({ min: 0, max: 130 }),
        fc.integer(),
        (list, wanted, mask) => {
          const values = Float64Array.from(list);
          const ids = Int32Array.from(values.keys()).filter((id) => ((mask >> (id % 31)) & 1) === 1);
          // Whole costs: sums are exact in any order.
          const costOf = (id: number) => 1 + (id % 3);
          const sorted = [...ids].sort((a, b) => (values[a] === values[b] ? a - b : values[a]! - values[b]!));
          const expected: number[] = [];
          for (let reached = 0; reached < wanted && expected.length < sorted.length; ) {
            const id = sorted[expected.length]!;
            expected.push(id);
            reached += costOf(id);
          }
          expect([...takeSmallest(ids, values, costOf, wanted)].sort()).toEqual(expected.sort());
        },
      ),
      { numRuns: 3000 },
    );
  });
});
