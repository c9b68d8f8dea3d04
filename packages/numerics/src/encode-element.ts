import { bitsOf, type ElementType, integerRange, isFloat } from '@lowbit/core';
import { type FloatFormat, floatFormats } from './float-format.ts';
import { roundHalfEven } from './rounding.ts';

/**
 * The code (bits as an unsigned integer) nearest to `value`, ties to even, in one rounding. Too large a magnitude becomes
 * infinity in f32, f16 and bf16 and the largest finite number everywhere else, infinity included. Zero and small numbers
 * become 2^-127 in `e8m0`, which has no zero.
 * @throws RangeError for 64-bit types (see `encodeElements`), for NaN where the type has none, for negative `e8m0`
 */
export function encodeElement(value: number, type: ElementType): number {
  const bits = bitsOf(type);
  if (bits > 32) throw new RangeError(`encodeElement: ${type} is wider than 32 bits`);
  if (!isFloat(type)) {
    if (Number.isNaN(value)) throw notInType(value, type);
    const [min, max] = integerRange(type);
    const integer = Math.min(max, Math.max(min, roundHalfEven(value)));
    return integer < 0 ? integer + 2 ** bits : integer + 0;
  }
  if (type === 'e8m0') return encodePowerOfTwo(value);
  const format = floatFormats[type as keyof typeof floatFormats];
  if (Number.isNaN(value)) return nanCode(format) ?? fail(value, type);
  return encodeFloat(value, format);
}

function encodeFloat(value: number, format: FloatFormat): number {
  const { exponentBits, mantissaBits, bias, specials, overflow } = format;
  const magnitude = Math.abs(value);
  const signBit = 2 ** (exponentBits + mantissaBits);

  const infinity = (2 ** exponentBits - 1) * 2 ** mantissaBits;
  const largest = { ieee: infinity - 1, 'all-ones': signBit - 2, fnuz: signBit - 1, none: signBit - 1 }[specials];

  let code = infinity;
  if (magnitude !== Infinity) {
    const exponent = Math.max(exponentOf(magnitude), 1 - bias);
    const significand = roundHalfEven(magnitude / 2 ** (exponent - mantissaBits));
    // A significand that rounds up to the next power of two carries into the exponent by itself.
    code = (exponent + bias - 1) * 2 ** mantissaBits + significand;
  }
  if (magnitude === Infinity || code > largest) code = overflow === 'infinity' ? infinity : largest;

  const negative = value < 0 || Object.is(value, -0);
  if (!negative || (specials === 'fnuz' && code === 0)) return code;
  return code + signBit;
}

function encodePowerOfTwo(value: number): number {
  if (Number.isNaN(value)) return 255;
  if (value < 0) fail(value, 'e8m0');
  if (value <= 2 ** -127) return 0;
  if (value >= 2 ** 127) return 254;
  const exponent = exponentOf(value);
  // Halfway between two powers goes up, as in round half to even with the implicit leading one.
  return exponent + 127 + (value >= 1.5 * 2 ** exponent ? 1 : 0);
}

function nanCode({ exponentBits, mantissaBits, specials }: FloatFormat): number | undefined {
  const signBit = 2 ** (exponentBits + mantissaBits);
  switch (specials) {
    case 'ieee':
      return signBit - 2 ** (mantissaBits - 1);
    case 'all-ones':
      return signBit - 1;
    case 'fnuz':
      return signBit;
    case 'none':
      return undefined;
  }
}

/** floor(log2(magnitude)), exactly; 0 gives -Infinity. */
function exponentOf(magnitude: number): number {
  const estimate = Math.floor(Math.log2(magnitude));
  if (2 ** estimate > magnitude) return estimate - 1;
  return 2 ** (estimate + 1) <= magnitude ? estimate + 1 : estimate;
}

function fail(value: number, type: ElementType): never {
  throw notInType(value, type);
}

function notInType(value: number, type: ElementType): RangeError {
  return new RangeError(`encodeElement: ${type} has no code for ${value}`);
}
