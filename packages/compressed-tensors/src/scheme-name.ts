import type { QuantizationArgs } from './quantization-args.ts';
import type { QuantizationScheme } from './quantization-scheme.ts';
import { isMx } from './scale-types.ts';

/** As the field writes it: `w4a16`, `w8a8-int8`, `w8a8-fp8`, `w8a16-fp8`, `nvfp4`, `nvfp4a16`, `mxfp6a8`. */
export function schemeName({
  weights,
  inputActivations,
}: Pick<QuantizationScheme, 'weights' | 'inputActivations'>): string {
  if (!weights) return inputActivations ? `w16a${inputActivations.numBits}-${kindOf(inputActivations)}` : 'unquantized';
  const family = familyOf(weights);
  const inputs = inputActivations && familyOf(inputActivations);
  if (family && family === inputs) return family;
  const widths = `${family ?? `w${weights.numBits}`}a${inputActivations?.numBits ?? 16}`;
  if (inputActivations) return inputs ? widths : `${widths}-${kindOf(inputActivations)}`;
  return family || weights.type === 'int' ? widths : `${widths}-${kindOf(weights)}`;
}

function familyOf(args: QuantizationArgs): string | undefined {
  if (isMx(args)) return `mxfp${args.numBits}`;
  return args.type === 'float' && args.strategy === 'tensor_group' ? `nvfp${args.numBits}` : undefined;
}

function kindOf({ type, numBits }: QuantizationArgs): string {
  return type === 'int' ? `int${numBits}` : `fp${numBits}`;
}
