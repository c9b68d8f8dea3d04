import type { CompressedTensorsSettings } from './compressed-tensors-settings.ts';
import type { QuantizationScheme } from './quantization-scheme.ts';

/**
 * Names under which SGLang runs the same files: `w8a8_int8` and `w8a8_fp8` are 8-bit weights with one scale per output
 * and inputs with one per token, in every module.
 */
export function aliasesOf({ schemes }: CompressedTensorsSettings): readonly string[] {
  return (['int', 'float'] as const)
    .filter((type) => schemes.length > 0 && schemes.every((scheme) => isDynamic8Bit(scheme, type)))
    .map((type) => (type === 'int' ? 'w8a8_int8' : 'w8a8_fp8'));
}

function isDynamic8Bit({ weights, inputActivations }: QuantizationScheme, type: 'int' | 'float'): boolean {
  const is8Bit = [weights, inputActivations].every(
    (args) => args?.type === type && args.numBits === 8 && args.symmetric,
  );
  return (
    is8Bit &&
    weights?.strategy === 'channel' &&
    inputActivations?.strategy === 'token' &&
    inputActivations.dynamic === true
  );
}
