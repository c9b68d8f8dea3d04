import type { DType, QuantizationMethod, TensorRef } from '@lowbit/core';
import { describe, expect, it } from 'vitest';
import { damageProblems, damages } from './damage.ts';
import { rowwise } from './made-up-method.ts';

function ref(name: string, dtype: DType, shape: readonly number[]): TensorRef {
  return { name, dtype, shape, file: 'model.safetensors', start: 0, end: 0 };
}

const refs = [ref('a.codes', 'I8', [2, 3]), ref('a.scale', 'F32', [2])];
const fixture = {
  metadata: { config: {}, sideFiles: new Map(), tensors: new Map(refs.map((one) => [one.name, one])) },
  modules: [{ kind: 'linear', name: 'a', outFeatures: 2, inFeatures: 3, hasBias: false, role: 'projection' }],
  bytes: { read: () => Promise.reject(new Error('not read')) },
  recorded: new Map(),
  close: async () => {},
} as const;

/** Describes as rowwise does, but through claims that a careless method would make. */
function careless(claims: 'unchecked' | 'anonymous'): QuantizationMethod {
  return {
    ...rowwise,
    parseConfig(checkpoint) {
      const config = rowwise.parseConfig(checkpoint);
      return {
        ...config,
        linearScheme(module) {
          const answer = config.linearScheme(module);
          if (answer.kind !== 'scheme') return answer;
          const { scheme } = answer;
          return {
            kind: 'scheme',
            scheme: {
              name: scheme.name,
              describe(spec, tensors) {
                if (claims === 'anonymous' && !tensors.has('a.scale')) throw new Error('something is missing');
                return scheme.describe(spec, {
                  ...tensors,
                  claim(name) {
                    const { dtype, shape } = tensors.peek(name) ?? { dtype: 'I8', shape: [] };
                    return tensors.claim(name, { dtype: [dtype], shape });
                  },
                });
              },
            },
          };
        },
      };
    },
  };
}

describe('damages', () => {
  it.each(Object.entries(damages))('%s is noticed by a strict method', (_, damage) => {
    expect(damageProblems(rowwise, fixture, damage)).toEqual([]);
  });

  it.each([
    ['reshaped', [1, 1]],
    ['grown', [2]],
  ] as const)('%s: a single number gets a shape that no single number has', (kind, shape) => {
    const scalar = new Map([['s', ref('s', 'F32', [])]]);
    expect(damages[kind](scalar, 's').get('s')?.shape).toEqual(shape);
  });

  it('leaves the fixture as it is', () => {
    for (const damage of Object.values(damages)) damage(fixture.metadata.tensors, 'a.codes');
    expect([...fixture.metadata.tensors.values()]).toEqual(refs);
  });

  it.each(['reshaped', 'grown', 'retyped'] as const)('%s goes unnoticed where a method checks nothing', (kind) => {
    expect(damageProblems(careless('unchecked'), fixture, damages[kind])).toEqual([
      'a.codes: nothing noticed',
      'a.scale: nothing noticed',
    ]);
  });

  it('a warning that names the tensor notices it', () => {
    const warn = (warning: string): QuantizationMethod => ({
      ...rowwise,
      parseConfig: (checkpoint) => ({ ...careless('unchecked').parseConfig(checkpoint), warnings: [warning] }),
    });
    expect(damageProblems(warn('a.scale is odd'), fixture, damages.retyped)).toEqual(['a.codes: nothing noticed']);
  });

  it('an error of another kind is a problem', () => {
    expect(damageProblems(careless('anonymous'), fixture, damages.removed)).toEqual([
      "a.scale: no error of lowbit's own: something is missing",
    ]);
  });
});
