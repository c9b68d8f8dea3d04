import { type Device, deepFreeze, type KvCacheDescription, type Numerics, type Refusal } from '@lowbit/core';
import { describe, expect, it } from 'vitest';
import { activationCases } from './activation-cases.ts';
import { describeActivationCase } from './activation-suite.ts';
import { describeEmbedding } from './embedding-suite.ts';
import { describeCase } from './linear-suite.ts';
import { type BackendCase, embeddingCases, kvCacheCases, type Subject } from './subject.ts';
import { weightCases } from './weight-cases.ts';

const allNumerics: readonly Numerics[] = ['exact', 'faithful', 'fast'];

/** The shape of the plugin object, and answers that need no weights. */
export function contractSuite(subject: Subject): void {
  const { backend } = subject;
  const { linear, embedding, kvCache } = backend.kernels;

  it('is a plugin of specification v1 with names', () => {
    expect(backend.specificationVersion).toBe('v1');
    expect(backend.name).toMatch(/^[a-z0-9-]+$/);
    expect(backend.deviceKind).toMatch(/^[a-z0-9-]+$/);
  });

  it('has kernels of every kind, each with a name of its own', () => {
    for (const kernels of [linear, embedding, kvCache]) expect(kernels).not.toHaveLength(0);
    const names = [...linear, ...embedding, ...kvCache].map((kernel) => kernel.name);
    expect(names).toEqual([...new Set(names)]);
  });

  it('finds its device, or says why not', async () => {
    const result = await backend.probe();
    if (result.kind === 'ready') {
      expect(result.device.kind).toBe(backend.deviceKind);
      expect(result.device.name).not.toBe('');
    } else {
      expectRefusal(result.refusal, result.refusal.by);
    }
    expect((await backend.probe()).kind).toBe(result.kind);
  });

  const cases = casesToAsk(subject);
  const names = cases.map(({ name }) => name);

  describe('answers from the description alone', () => {
    for (const { name, kernels } of cases) {
      it(name, async (context) => {
        const device = await subject.device(context);
        for (const kernel of kernels) {
          for (const numerics of allNumerics) checkAnswer(kernel, device, numerics);
        }
      });
    }
  });

  describe('accepts what its list says', () => {
    it('and the list names cases that exist', () => {
      const unknown = [subject.accepts].flat().filter((name) => name !== 'everything' && !names.includes(name));
      expect(unknown).toEqual([]);
    });

    for (const { name, kernels } of cases.filter((one) => subject.mustAccept(one.name))) {
      it(name, async (context) => {
        const device = await subject.device(context);
        expect(kernels.map((kernel) => kernel.refuse(device, 'faithful'))).toContain(undefined);
      });
    }
  });
}

function checkAnswer(kernel: AskedKernel, device: Device, numerics: Numerics): void {
  const refusal = kernel.refuse(device, numerics);
  expect(kernel.refuse(device, numerics), 'the same answer when asked again').toEqual(refusal);
  if (refusal) {
    expectRefusal(refusal, kernel.name);
    return;
  }
  const bytes = kernel.bytes();
  expect(Number.isSafeInteger(bytes) && bytes > 0, `bytes: ${bytes}`).toBe(true);
  expect(kernel.approximation(numerics)).not.toBe('');
}

function expectRefusal({ by, code, message }: Refusal, who: string): void {
  expect(by).toBe(who);
  expect(code).toMatch(/^[A-Z0-9_]+$/);
  expect(message).not.toBe('');
}

function casesToAsk({ backend }: Subject): readonly CaseToAsk[] {
  const { linear, embedding, kvCache } = backend.kernels;
  return [
    ...weightCases.map((name) => ask(`weight:${name}`, describeCase(name).description, linear)),
    ...activationCases.map((name) => ask(`activations:${name}`, describeActivationCase(name).description, linear)),
    ...embeddingCases.map((name) => ask(`embedding:${name}`, describeEmbedding(name).description, embedding)),
    ...kvCacheCases.map((type) => ask(`kv-cache:${type}`, describeKvCache(type), kvCache)),
  ];
}

interface CaseToAsk {
  readonly name: BackendCase;
  readonly kernels: readonly AskedKernel[];
}

/** A kernel, asked about one description. */
interface AskedKernel {
  readonly name: string;
  refuse(device: Device, numerics: Numerics): Refusal | undefined;
  bytes(): number;
  approximation(numerics: Numerics): string | undefined;
}

interface AnyKernel<Description> {
  readonly name: string;
  refuse(description: Description, device: Device, numerics: Numerics): Refusal | undefined;
  bytes(description: Description): number;
  approximation?(description: Description, numerics: Numerics): string | undefined;
}

/** The description is frozen: whoever writes to it while answering throws. */
function ask<Description>(
  name: BackendCase,
  description: Description,
  kernels: readonly AnyKernel<Description>[],
): CaseToAsk {
  const frozen = deepFreeze(description);
  return {
    name,
    kernels: kernels.map((kernel) => ({
      name: kernel.name,
      refuse: (device, numerics) => kernel.refuse(frozen, device, numerics),
      bytes: () => kernel.bytes(frozen),
      approximation: (numerics) => kernel.approximation?.(frozen, numerics),
    })),
  };
}

function describeKvCache(type: KvCacheDescription['type']): KvCacheDescription {
  return { kind: 'kvCache', module: 'self_attn', scheme: 'synthetic', type, numKvHeads: 2, headSize: 64 };
}
