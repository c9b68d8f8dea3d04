import { type Axis, type Layout, quotient, remainder, whole } from '@lowbit/core';

/**
 * How codes share 32-bit words. Widths that divide 32 are the same in both.
 *
 * ```
 * dense    since library 0.18: codes run on from word to word
 *          3-bit   code  ... 11   10(2 bits) | 10(1 bit)  9  8 ... 1  0
 *                  word        1             |          0
 * legacy   before: as many whole codes as fit, the high bits left over
 *          3-bit   word 0: -- 9 8 7 6 5 4 3 2 1 0       word 1: -- 19 18 ... 10
 * ```
 */
export type Packing = 'dense' | 'legacy';

/** Words that `count` codes take. */
export function wordsOf(count: number, bits: number, packing: Packing): number {
  return packing === 'dense' ? Math.ceil((count * bits) / 32) : Math.ceil(count / Math.floor(32 / bits));
}

/**
 * `[out, in]` codes packed along `along`, the lowest bits first: weights along `in`, zero points along `out`. A stored
 * number is the code plus 2^(bits-1).
 *
 * ```
 * 4-bit, along in    bits 31..28 27..24 23..20 19..16 15..12 11..8  7..4  3..0
 *                    code    7      6      5      4      3     2     1     0
 * ```
 *
 * Source: compressed-tensors, `pack_to_int32`.
 */
export function packedLayout(along: Extract<Axis, 'out' | 'in'>, bits: number, packing: Packing): Layout {
  const add = { value: -(2 ** (bits - 1)), carry: 'field' } as const;
  if (packing === 'dense' && 32 % bits !== 0) {
    const stream = along === 'out' ? 0 : 1;
    return { axes: [[whole('out')], [whole('in')]], packed: { bits, word: 32, stream }, add };
  }
  const perWord = Math.floor(32 / bits);
  const digit = (axis: Axis) => (axis === along ? quotient(axis, perWord) : whole(axis));
  return {
    axes: [[digit('out')], [digit('in')]],
    packed: { bits, word: 32, fields: [remainder(along, perWord)] },
    add,
  };
}

/**
 * Floats packed along `in` in bytes, the lowest bits first.
 *
 * ```
 * e2m1   byte 0: code 1 | code 0
 * e2m3   bytes 2, 1, 0:  code 3 | code 2 | code 1 | code 0     (6 bits each)
 * ```
 *
 * Source: compressed-tensors, `pack_fp4_to_uint8`, `pack_fp6_to_uint8`.
 */
export function packedFloatLayout(bits: 4 | 6): Layout {
  if (bits === 6) return { axes: [[whole('out')], [whole('in')]], packed: { bits, word: 8, stream: 1 } };
  return { axes: [[whole('out')], [quotient('in', 2)]], packed: { bits, word: 8, fields: [remainder('in', 2)] } };
}
