import { type ActivationQuantization, type LinearExecution, plain } from '@lowbit/core';
import { type SyntheticTensor, syntheticTensor } from '../synthetic-tensor.ts';
import type { WeightCase } from './weight-cases.ts';

/** What a case stores beside the weight, and how activations are quantized. */
export interface ActivationCaseParts extends LinearExecution {
  readonly weight: WeightCase;
  readonly activations: ActivationQuantization;
  readonly decoding?: LinearExecution;
  readonly tensors: readonly SyntheticTensor[];
}

const token = { kind: 'token' } as const;
const tensor = { kind: 'tensor' } as const;
const symmetric = (divisor: number) => ({ kind: 'dynamic', symmetric: true, divisor }) as const;

const cases = {
  'int8-token': int8Token,
  'int8-token-half-away': () =>
    dynamic('int8-channel', { type: 'i8', granularity: token, scale: symmetric(127), rounding: 'half-away' }),
  'int8-token-reciprocal': () =>
    dynamic('int8-channel', {
      type: 'i8',
      granularity: token,
      scale: symmetric(127.5),
      rounding: 'half-even',
      reciprocal: true,
    }),
  'int8-token-asymmetric': () =>
    dynamic('int8-channel', {
      type: 'i8',
      granularity: token,
      scale: { kind: 'dynamic', symmetric: false, divisor: 255 },
      rounding: 'half-even',
    }),
  'int4-token': () =>
    dynamic('int4-rows-share-byte', { type: 'i4', granularity: token, scale: symmetric(7), rounding: 'half-even' }),
  'int8-tensor-static': () => fixed('int8-channel', 'i8', [0.013]),
  'int8-tensor-static-asymmetric': () => fixed('int8-channel', 'i8', [0.013], [-21]),
  'int8-tensor-static-zero-first': zeroFirst,
  'int8-group-static': () => fixed('int8-channel', 'i8', [0.013, 0.017]),
  'int8-integer-constants': integerConstants,
  'int8-token-decoding-integer-constants': () => {
    const { activations, integer, tensors } = integerConstants();
    return { ...int8Token(), decoding: { activations, integer }, tensors };
  },
  'fp8-token': () =>
    dynamic('fp8-channel', { type: 'f8e4m3', granularity: token, scale: symmetric(448), rounding: 'half-even' }),
  'fp8-tensor-static': () => fixed('fp8-channel', 'f8e4m3', [0.0031]),
  'fp8-group': () =>
    dynamic('fp8-block-partial', {
      type: 'f8e4m3',
      granularity: { kind: 'group', size: 128 },
      scale: symmetric(448),
      rounding: 'half-even',
    }),
  mxfp8: () => microscaled('mxfp8', 'f8e4m3', 448),
  mxfp4: () => microscaled('mxfp4', 'f4e2m1', 6),
  nvfp4: () => withGlobalScale(2688 / 1.7, 'divide'),
  'nvfp4-reciprocal': () => withGlobalScale(1.7 / 2688),
} satisfies Record<string, () => ActivationCaseParts>;

export type ActivationCase = keyof typeof cases;

export const activationCases = Object.keys(cases) as readonly ActivationCase[];

export function buildActivationCase(name: ActivationCase): ActivationCaseParts {
  return cases[name]();
}

function int8Token(): ActivationCaseParts {
  return dynamic('int8-channel', { type: 'i8', granularity: token, scale: symmetric(127), rounding: 'half-even' });
}

function dynamic(weight: WeightCase, activations: ActivationQuantization): ActivationCaseParts {
  return { weight, activations, tensors: [] };
}

function microscaled(weight: WeightCase, type: 'f8e4m3' | 'f4e2m1', divisor: number): ActivationCaseParts {
  return dynamic(weight, {
    type,
    granularity: { kind: 'group', size: 32 },
    scale: { ...symmetric(divisor), scaleType: 'e8m0' },
    rounding: 'half-even',
  });
}

/** A global scale as compressed-tensors stores it, to divide by, or its reciprocal, as ModelOpt does. */
function withGlobalScale(value: number, divide?: 'divide'): ActivationCaseParts {
  const form = { type: 'f32', dtype: 'F32', shape: [1], layout: plain(undefined) } as const;
  const global = syntheticTensor('input_global_scale', form, [], [value]);
  const globalScale = { ...global.stored, ...(divide ? ({ divide: true } as const) : {}) };
  const activations: ActivationQuantization = {
    type: 'f4e2m1',
    granularity: { kind: 'group', size: 16 },
    scale: { ...symmetric(6), scaleType: 'f8e4m3', globalScale },
    rounding: 'half-even',
  };
  return { weight: 'nvfp4', activations, tensors: [global] };
}

/** One static scale for the tensor, or one for each group of 32 features. */
function fixed(
  weight: WeightCase,
  type: 'i8' | 'f8e4m3',
  scales: readonly number[],
  zeros?: readonly number[],
): ActivationCaseParts {
  const groups = [['in', scales.length]] as const;
  const shape = [scales.length];
  const scale = syntheticTensor(
    'input_scale',
    { type: 'f32', dtype: 'F32', shape, layout: plain('in') },
    groups,
    scales,
  );
  const zero =
    zeros && syntheticTensor('input_zero', { type: 'i8', dtype: 'I8', shape, layout: plain('in') }, groups, zeros);
  return {
    weight,
    activations: {
      type,
      granularity: scales.length === 1 ? tensor : { kind: 'group', size: 32 },
      scale: { kind: 'static', scale: scale.stored, ...(zero ? { zero: zero.stored } : {}) },
      rounding: 'half-even',
    },
    tensors: [scale, ...(zero ? [zero] : [])],
  };
}

/** A zero point between two integers, as files do not have it: only so does it matter for most inputs when it is added. */
function zeroFirst(): ActivationCaseParts {
  const { weight, activations, tensors } = fixed('int8-channel', 'i8', [0.013]);
  const form = { type: 'f32', dtype: 'F32', shape: [1], layout: plain('in') } as const;
  const zero = syntheticTensor('input_zero', form, [['in', 1]], [-20.5]);
  const scale = { ...activations.scale, zero: zero.stored } as ActivationQuantization['scale'];
  return { weight, activations: { ...activations, scale, zeroFirst: true }, tensors: [...tensors, zero] };
}

/** Static int8 with a stored bias for the sums and a stored scale for the outputs, neither derived from the weight. */
function integerConstants() {
  const { weight, activations, tensors } = fixed('int8-channel', 'i8', [0.013], [-21]);
  const outFeatures = 24;
  const channels = [['out', outFeatures]] as const;
  const shape = [outFeatures];
  const sums = Array.from({ length: outFeatures }, (_, out) => 977 * out - 9001);
  const factors = Array.from({ length: outFeatures }, (_, out) => 2 ** -12 * (1 + out / 7));
  const bias = syntheticTensor(
    'quant_bias',
    { type: 'i32', dtype: 'I32', shape, layout: plain('out') },
    channels,
    sums,
  );
  const scale = syntheticTensor(
    'deq_scale',
    { type: 'f32', dtype: 'F32', shape, layout: plain('out') },
    channels,
    factors,
  );
  return {
    weight,
    activations,
    integer: { accumulatorBias: bias.stored, outputScale: scale.stored },
    tensors: [...tensors, bias, scale],
  };
}
