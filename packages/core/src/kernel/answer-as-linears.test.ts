import { expect, it } from 'vitest';
import { linear as describeLinear } from '../__fixtures__/linear.ts';
import type { MoeDescription } from '../description.ts';
import type { LinearKernel } from '../kernel.ts';
import { answerAsLinears } from './answer-as-linears.ts';

const device = { kind: 'cpu', name: 'test' };
const expert = (index: number) => ({
  gate: describeLinear(`${index}.gate`),
  up: describeLinear(`${index}.up`),
  down: describeLinear(`${index}.down`),
});
const description: MoeDescription = { kind: 'moe', module: 'mlp', scheme: 'test', experts: [expert(0), expert(1)] };

/** Refuses one module with numerics other than `exact`, and rounds another. */
const linear: LinearKernel = {
  name: 'test/linear',
  refuse: ({ module }, _device, numerics) =>
    module === '1.up' && numerics !== 'exact' ? { by: 'test/linear', code: 'ODD', message: 'odd' } : undefined,
  bytes: ({ weight }) => weight.outFeatures,
  approximation: ({ module }, numerics) => (module === '0.down' && numerics === 'fast' ? 'rounded' : undefined),
  prepare: () => Promise.reject(new Error('not prepared here')),
};

it('answers for experts what their linears do', () => {
  const { name, refuse, bytes, approximation } = answerAsLinears('test/experts', linear);
  expect(name).toBe('test/experts');
  expect(refuse(description, device, 'exact')).toBeUndefined();
  expect(refuse(description, device, 'fast')).toEqual({ by: 'test/experts', code: 'ODD', message: '1.up: odd' });
  expect(bytes(description)).toBe(6 * 32);
  expect(approximation?.(description, 'fast')).toBe('rounded');
  expect(approximation?.(description, 'exact')).toBeUndefined();
});
