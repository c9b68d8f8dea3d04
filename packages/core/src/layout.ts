import type { ElementType } from './element-type.ts';
import type { TensorRef } from './tensor-ref.ts';

/** Logical axes of a weight. In a table of scales `out` and `in` count blocks instead of elements. */
export type Axis = 'out' | 'in' | 'expert';

/** One digit of a logical index: `floor(index / divide) % modulo`; without `modulo`, all that remains. */
export interface Digit {
  readonly axis: Axis;
  readonly divide: number;
  readonly modulo?: number;
}

/**
 * Where logical element (out, in) sits in a stored tensor, as data.
 *
 * Each dimension of the stored tensor is a mixed-radix number: its digits, slowest first, are digits of the logical
 * indices. A dimension without digits is always index 0. Codes narrower than a stored word share it by `packed`.
 *
 * ```
 * AWQ gemm   codes[K, N/8] i32     axes [in] [out/8]               fields (out%2, out/2%4) of 4 bits
 * GPTQ       codes[K/8, N] i32     axes [in/8] [out]               fields (in%8) of 4 bits
 * GPTQ 3-bit codes[3K/32, N] i32   axes [in] [out]                 bit stream of 3-bit codes along dimension 0
 * FP8 block  scale[N/128, K/128]   axes [out] [in]
 * ```
 */
export interface Layout {
  readonly axes: readonly (readonly Digit[])[];
  readonly packed?: Packing;
  /**
   * Added to the stored bits, modulo 2^bits, before they are read as the element type: offset-binary int4 is -8.
   * `carry: 'word'` adds the value to every field at once, so that carries run into the next field of the word.
   */
  readonly add?: { readonly value: number; readonly carry: 'field' | 'word' };
}

export type Packing = FieldPacking | StreamPacking;

/** Codes of `bits` bits in the fields of a word; field 0 is the lowest `bits` bits. Left-over high bits are unused. */
export interface FieldPacking {
  readonly bits: number;
  readonly word: 8 | 16 | 32 | 64;
  /** Digits that choose the field, slowest first. Empty: always field 0. */
  readonly fields: readonly Digit[];
}

/** Codes of `bits` bits, one after the other, across the words along one dimension of the stored tensor. */
export interface StreamPacking {
  readonly bits: number;
  readonly word: 8 | 16 | 32 | 64;
  /** Dimension of the stored tensor that counts words; its digits in `axes` count codes. */
  readonly stream: number;
}

/** A stored tensor and how to read it. */
export interface Stored {
  readonly ref: TensorRef;
  /** What each code is. */
  readonly type: ElementType;
  readonly layout: Layout;
  /** Logical index of the first element: where a slice or one expert begins. */
  readonly origin?: Readonly<Partial<Record<Axis, number>>>;
}

/** All of a logical index. */
export function whole(axis: Axis): Digit {
  return { axis, divide: 1 };
}

/** `floor(index / divide)`: the slow part. */
export function quotient(axis: Axis, divide: number): Digit {
  return { axis, divide };
}

/** `floor(index / divide) % modulo`. */
export function remainder(axis: Axis, modulo: number, divide = 1): Digit {
  return { axis, divide, modulo };
}

/** One code per stored element, in the given axis order. */
export function plain(...axes: readonly (Axis | undefined)[]): Layout {
  return { axes: axes.map((axis) => (axis === undefined ? [] : [whole(axis)])) };
}

export function isStream(packing: Packing): packing is StreamPacking {
  return 'stream' in packing;
}

/**
 * How many consecutive elements along `axis` share words: a slice that starts at a multiple of this starts at a word.
 */
export function wordPeriod(layout: Layout, axis: Axis): number {
  const { packed } = layout;
  if (!packed) return 1;
  if (isStream(packed)) {
    const along = layout.axes[packed.stream]?.some((digit) => digit.axis === axis) ?? false;
    return along ? packed.word / greatestCommonDivisor(packed.bits, packed.word) : 1;
  }
  const spans = packed.fields.filter((digit) => digit.axis === axis).map((digit) => digit.divide * (digit.modulo ?? 1));
  return Math.max(1, ...spans);
}

/** A layout as people write it: `[in, out/8] x 4-bit (out%2, out/2%4) in 32-bit words`. */
export function formatLayout(layout: Layout): string {
  const axes = layout.axes.map((digits) => digits.map(formatDigit).join(' ') || '1').join(', ');
  const parts = [`[${axes}]`];
  const { packed, add } = layout;
  if (packed) {
    const order = isStream(packed)
      ? `stream along dimension ${packed.stream}`
      : `(${packed.fields.map(formatDigit).join(', ')})`;
    parts.push(`x ${packed.bits}-bit ${order} in ${packed.word}-bit words`);
  }
  if (add) parts.push(`${add.value < 0 ? '-' : '+'} ${Math.abs(add.value)}${add.carry === 'word' ? ' per word' : ''}`);
  return parts.join(' ');
}

function formatDigit({ axis, divide, modulo }: Digit): string {
  return `${axis}${divide === 1 ? '' : `/${divide}`}${modulo === undefined ? '' : `%${modulo}`}`;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
