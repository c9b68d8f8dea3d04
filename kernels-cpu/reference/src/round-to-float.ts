import type { FloatType } from '@lowbit/core';
import { decodeElement, encodeElement } from '@lowbit/numerics';

/** The nearest number that a float type has; what is too large becomes what `encodeElement` says. NaN stays NaN. */
export function roundToFloat(value: number, type: FloatType, ties: 'half-even' | 'half-away' = 'half-even'): number {
  if (Number.isNaN(value)) return value;
  if (type === 'f64') return value;
  if (type === 'f32' && ties === 'half-even') return Math.fround(value);
  if (ties === 'half-even') return decodeElement(encodeElement(value, type), type);

  // Codes of positive floats ascend with their numbers: of two equally near, the one away from zero is the next code.
  const magnitude = Math.abs(value);
  const code = encodeElement(magnitude, type);
  const nearest = decodeElement(code, type);
  const next = decodeElement(code + 1, type);
  const rounded = magnitude - nearest === next - magnitude ? next : nearest;
  return value < 0 ? -rounded : rounded;
}
