import { expect, it } from 'vitest';
import { linear } from '../__fixtures__/linear.ts';
import type { ActivationQuantization } from '../activation-quantization.ts';
import { approximateActivations } from './approximate-activations.ts';

const perTensor: ActivationQuantization = {
  type: 'i8',
  granularity: { kind: 'tensor' },
  scale: { kind: 'dynamic', symmetric: true, divisor: 127 },
  rounding: 'half-even',
};
const perToken: ActivationQuantization = { ...perTensor, granularity: { kind: 'token' } };

it.each([
  ['nothing', {}, undefined, undefined],
  ['per token', { activations: perToken }, 'activations stay f32, where the checkpoint quantizes them', undefined],
  [
    'per tensor',
    { activations: perTensor },
    'activations stay f32, where the checkpoint quantizes them',
    'one activation scale per token instead of one per tensor, so that no token depends on its batch',
  ],
  [
    'while decoding alone',
    { decoding: { activations: perTensor } },
    'activations stay f32, where the checkpoint quantizes them',
    'one activation scale per token instead of one per tensor, so that no token depends on its batch',
  ],
])('says what becomes of activations quantized: %s', (_, parts, exact, faithful) => {
  const description = { ...linear(), ...parts };
  expect(approximateActivations(description, 'exact')).toBe(exact);
  expect(approximateActivations(description, 'faithful')).toBe(faithful);
  expect(approximateActivations(description, 'fast')).toBe(faithful);
});
