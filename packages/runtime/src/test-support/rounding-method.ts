import {
  type ActivationQuantization,
  deepFreeze,
  describeUnquantized,
  type ElementType,
  type KvCacheScheme,
  type LinearDescription,
  type LinearScheme,
  type QuantizationMethod,
  type SchemeAnswer,
} from '@lowbit/core';

/**
 * A made-up method: plain float weights. Settings: `divisor`, inputs of projections in 8 bits per token with that divisor;
 * `decoding_divisor`, another one for generated tokens; `kv_type`, the type of the KV cache.
 */
export const roundingMethod: QuantizationMethod = {
  specificationVersion: 'v1',
  name: 'rounding',
  match: { quantMethod: ['rounding'] },
  variants: [],
  parseConfig({ config }) {
    const settings = config.quantization_config as Settings;
    const unquantized = { kind: 'unquantized', rule: 'only projections are' } as const;
    return {
      method: 'rounding',
      settings: {},
      warnings: [],
      linearScheme: ({ role }): SchemeAnswer<LinearScheme> =>
        role === 'projection' ? { kind: 'scheme', scheme: linearScheme(settings) } : unquantized,
      moeScheme: () => unquantized,
      embeddingScheme: () => unquantized,
      kvCacheScheme: () => (settings.kv_type ? { kind: 'scheme', scheme: cacheScheme(settings.kv_type) } : unquantized),
    };
  },
};

interface Settings {
  readonly divisor?: number;
  readonly decoding_divisor?: number;
  readonly kv_type?: ElementType;
}

function linearScheme({ divisor, decoding_divisor: decodingDivisor }: Settings): LinearScheme {
  return {
    name: 'w32a8',
    describe: (module, tensors): LinearDescription =>
      deepFreeze({
        ...describeUnquantized(module, tensors),
        scheme: 'w32a8',
        ...(divisor === undefined ? {} : { activations: activations(divisor) }),
        ...(decodingDivisor === undefined ? {} : { decoding: { activations: activations(decodingDivisor) } }),
      }),
  };
}

function cacheScheme(type: ElementType): KvCacheScheme {
  const describe: KvCacheScheme['describe'] = ({ name, numKvHeads, headSize }) =>
    deepFreeze({ kind: 'kvCache', module: name, scheme: `kv-${type}`, type, numKvHeads, headSize });
  return { name: `kv-${type}`, describe };
}

function activations(divisor: number): ActivationQuantization {
  const scale = { kind: 'dynamic', symmetric: true, divisor } as const;
  return { type: 'i8', granularity: { kind: 'token' }, scale, rounding: 'half-even' };
}
