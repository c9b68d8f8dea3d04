import { type ActivationQuantization, formatRefusal, type LinearDescription, plain } from '@lowbit/core';
import { syntheticTensor } from '@lowbit/testkit';
import { expect, it } from 'vitest';
import { dequantize } from './dequantize.ts';

const device = { kind: 'cpu', name: 'test' };
const { stored } = syntheticTensor(
  'codes',
  { type: 'i8', dtype: 'I8', shape: [1, 1], layout: plain('out', 'in') },
  [],
  [1],
);
const integer = { accumulatorBias: stored, outputScale: stored };
const dynamic = { kind: 'dynamic', symmetric: true, divisor: 127 } as const;
const perToken: ActivationQuantization = {
  type: 'i8',
  granularity: { kind: 'token' },
  scale: dynamic,
  rounding: 'half-even',
};
const fixed = { kind: 'static', scale: stored } as const;
const perTensor: ActivationQuantization = { ...perToken, granularity: { kind: 'tensor' }, scale: fixed };

function describeLinear(parts: Partial<LinearDescription>): LinearDescription {
  const weight = { outFeatures: 1, inFeatures: 1, codes: stored, scales: [] };
  return { kind: 'linear', module: 'q_proj', scheme: 'test', weight, ...parts };
}

it.each<[Partial<LinearDescription>]>([
  [{}],
  [{ activations: perToken }],
  [{ activations: perTensor }],
  [{ activations: perTensor, integer }],
  [{ activations: { ...perToken, type: 'f8e4m3', granularity: { kind: 'group', size: 128 } } }],
  [{ activations: { ...perToken, scale: { ...dynamic, scaleType: 'e8m0' } } }],
  [{ activations: perToken, decoding: { activations: perTensor, integer } }],
  [{ decoding: {} }],
])('accepts case %#', (parts) => {
  expect(dequantize.refuse(describeLinear(parts), device, 'faithful')).toBeUndefined();
});

it.each<[string, Partial<LinearDescription>, string]>([
  [
    'ACTIVATION_TYPE',
    { activations: { ...perToken, type: 'i32' } },
    'activations as i32, needs a float or integers of at most 16 bits',
  ],
  [
    'ACTIVATION_TYPE',
    { activations: { ...perToken, type: 'e8m0' } },
    'activations as e8m0, needs a float or integers of at most 16 bits',
  ],
  [
    'ACTIVATION_GROUP',
    { activations: { ...perToken, granularity: { kind: 'group', size: 0 } } },
    'activation groups of 0 features',
  ],
  [
    'ACTIVATION_SCALE',
    { activations: { ...perToken, scale: fixed } },
    'a stored activation scale per token, needs one per tensor or group',
  ],
  [
    'ACTIVATION_SCALE',
    { activations: { ...perToken, type: 'f8e4m3', scale: { ...dynamic, symmetric: false } } },
    'asymmetric activations as f8e4m3, needs an integer type',
  ],
  [
    'ACTIVATION_SCALE',
    { activations: { ...perToken, scale: { ...dynamic, scaleType: 'i8' } } },
    'activation scales rounded to i8, needs a float type',
  ],
  ['INTEGER_EXECUTION', { integer }, 'integer constants without activation quantization'],
  [
    'INTEGER_EXECUTION',
    { integer, activations: { ...perTensor, type: 'f8e4m3' } },
    'integer constants for i8 weights and f8e4m3 activations, needs integers of at most 16 bits',
  ],
  [
    'INTEGER_EXECUTION',
    { integer, activations: perToken },
    'integer constants for dynamic scales per token, needs static per tensor',
  ],
  [
    'ACTIVATION_TYPE',
    { activations: perToken, decoding: { activations: { ...perToken, type: 'i32' } } },
    'while decoding: activations as i32, needs a float or integers of at most 16 bits',
  ],
  [
    'INTEGER_EXECUTION',
    { activations: perTensor, decoding: { integer } },
    'while decoding: integer constants without activation quantization',
  ],
])('refuses %s: case %#', (code, parts, message) => {
  const description = describeLinear(parts);
  const refusal = dequantize.refuse(description, device, 'faithful');
  expect(refusal?.code).toBe(code);
  expect(refusal && formatRefusal(refusal)).toBe(
    `reference/dequantize: ${message} (Run with numerics exact: activations are then left as they are.)`,
  );
  expect(dequantize.refuse(description, device, 'fast')).toEqual(refusal);
  expect(dequantize.refuse(description, device, 'exact')).toBeUndefined();
});
