import {
  type ActivationQuantization,
  type Blocked,
  type ElementType,
  type EmbeddingDescription,
  type KvCacheDescription,
  type LinearDescription,
  plain,
  type QuantizedWeight,
  type Scale,
  type Stored,
} from '@lowbit/core';

/** Descriptions of modules that no checkpoint holds, to ask kernels about: they answer before anything is read. */

const sizes = { outFeatures: 256, inFeatures: 512 };

/** Where it would lie; nobody looks. */
function stored(type: ElementType, layout: Stored['layout']): Stored {
  return { type, layout, ref: { name: `a tensor of ${type}`, dtype: 'U8', shape: [], file: '', start: 0, end: 0 } };
}

export function scale(columns: number, options: Partial<Scale> = {}): Scale {
  return { ...stored('f32', plain('out', 'in')), block: [1, columns], ...options };
}

export function weight(type: ElementType, options: Partial<QuantizedWeight> = {}): QuantizedWeight {
  return { ...sizes, codes: stored(type, plain('out', 'in')), scales: [scale(128)], ...options };
}

export function linear(of: QuantizedWeight, options: Partial<LinearDescription> = {}): LinearDescription {
  return { kind: 'linear', module: 'a linear', scheme: '', weight: of, ...options };
}

export function embedding(of: QuantizedWeight): EmbeddingDescription {
  return { kind: 'embedding', module: 'an embedding', scheme: '', weight: of };
}

/** Scales from the data, per token, unless told otherwise. */
export function activations(
  type: ElementType,
  options: Partial<ActivationQuantization> & { readonly symmetric?: boolean } = {},
): ActivationQuantization {
  const { symmetric = true, ...more } = options;
  const scale = { kind: 'dynamic', symmetric, divisor: 127 } as const;
  return { type, granularity: { kind: 'token' }, scale, rounding: 'half-even', ...more };
}

export const storedScale: ActivationQuantization['scale'] = { kind: 'static', scale: stored('f32', plain('out')) };

export function integerConstants(type: ElementType, granularity: 'tensor' | 'token' = 'tensor') {
  return {
    activations: activations(type, { granularity: { kind: granularity }, scale: storedScale }),
    integer: { accumulatorBias: stored('i32', plain('out')), outputScale: stored('f32', plain('out')) },
  };
}

export function groupIndex(): Stored {
  return stored('i32', plain('in'));
}

export function table(columns: number): Blocked {
  return scale(columns);
}

export function kvCache(type: ElementType, scaled: boolean): KvCacheDescription {
  const one = { scale: scale(1) };
  const quantization = scaled ? { quantization: { key: one, value: one } } : {};
  return { kind: 'kvCache', module: 'a cache', scheme: '', type, numKvHeads: 4, headSize: 64, ...quantization };
}
