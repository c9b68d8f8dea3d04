import {
  type ActivationQuantization,
  deepFreeze,
  describeUnquantized,
  type LinearDescription,
  type LinearScheme,
  type QuantizationMethod,
  type SchemeAnswer,
} from '@lowbit/core';

/**
 * A made-up method: plain float weights, inputs of all projections in 8 bits per token. Settings: `divisor` of the
 * scales, and `decoding_divisor` where generated tokens have another.
 */
export const roundingMethod: QuantizationMethod = {
  specificationVersion: 'v1',
  name: 'rounding',
  match: { quantMethod: ['rounding'] },
  variants: [],
  parseConfig({ config }) {
    const { divisor, decoding_divisor: decodingDivisor } = config.quantization_config as Record<string, number>;
    const scheme: LinearScheme = {
      name: 'w32a8',
      describe: (module, tensors): LinearDescription =>
        deepFreeze({
          ...describeUnquantized(module, tensors),
          scheme: 'w32a8',
          activations: activations(divisor!),
          ...(decodingDivisor === undefined ? {} : { decoding: { activations: activations(decodingDivisor) } }),
        }),
    };
    const unquantized = { kind: 'unquantized', rule: 'only projections are' } as const;
    return {
      method: 'rounding',
      settings: {},
      warnings: [],
      linearScheme: ({ role }): SchemeAnswer<LinearScheme> =>
        role === 'projection' ? { kind: 'scheme', scheme } : unquantized,
      moeScheme: () => unquantized,
      embeddingScheme: () => unquantized,
      kvCacheScheme: () => unquantized,
    };
  },
};

function activations(divisor: number): ActivationQuantization {
  const scale = { kind: 'dynamic', symmetric: true, divisor } as const;
  return { type: 'i8', granularity: { kind: 'token' }, scale, rounding: 'half-even' };
}
