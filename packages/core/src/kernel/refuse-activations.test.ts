import { expect, it } from 'vitest';
import { stored as storedTensor } from '../__fixtures__/linear.ts';
import type { ActivationQuantization } from '../activation-quantization.ts';
import type { LinearDescription } from '../description.ts';
import { plain } from '../layout.ts';
import { formatRefusal } from '../refusal.ts';
import { refuseActivations } from './refuse-activations.ts';

const stored = storedTensor('codes', 'I8', [1, 1], 'i8', plain('out', 'in'));
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
  expect(refuseActivations(describeLinear(parts), 'test/linear', { maxBits: 16 })).toBeUndefined();
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
  const refusal = refuseActivations(describeLinear(parts), 'test/linear', { maxBits: 16 });
  expect(refusal?.code).toBe(code);
  expect(refusal && formatRefusal(refusal)).toBe(
    `test/linear: ${message} (Run with numerics exact: activations are then left as they are.)`,
  );
});

it('holds integer constants to the integers that a kernel multiplies', () => {
  const weightOf = (type: 'i8' | 'i16') => ({ outFeatures: 1, inFeatures: 1, codes: { ...stored, type }, scales: [] });
  const messageFor = (codes: 'i8' | 'i16', type: ActivationQuantization['type']) => {
    const parts = { weight: weightOf(codes), activations: { ...perTensor, type }, integer };
    return refuseActivations(describeLinear(parts), 'test/linear', { maxBits: 8, signedActivations: true })?.message;
  };
  expect(messageFor('i8', 'i8')).toBeUndefined();
  for (const [codes, type] of [
    ['i16', 'i8'],
    ['i8', 'i16'],
    ['i8', 'u8'],
  ] as const) {
    expect(messageFor(codes, type)).toBe(
      `integer constants for ${codes} weights and ${type} activations, needs integers of at most 8 bits, activations signed`,
    );
  }
});
