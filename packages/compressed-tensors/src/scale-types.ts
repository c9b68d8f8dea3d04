import type { QuantizationArgs } from './quantization-args.ts';

/** The group of OCP Microscaling Formats v1.0. */
const mxGroup = 32;

/** Scales are powers of two, stored as their exponents. */
export function isMx({ type, groupSize, scaleType }: QuantizationArgs): boolean {
  return type === 'float' && groupSize === mxGroup && scaleType === 'e8m0';
}
