import { describe, expect, it } from 'vitest';
import { linear } from './__fixtures__/linear.ts';
import type { EmbeddingDescription, KvCacheDescription } from './description.ts';
import { NoKernelError } from './errors/no-kernel-error.ts';
import type { Kernels } from './kernel.ts';
import type { Refusal } from './refusal.ts';
import { selectKernel, selectKernelFor } from './select-kernel.ts';

const device = { kind: 'imaginary', name: 'a card nobody has' };

function kernel(name: string, refusal?: Omit<Refusal, 'by'>) {
  return { name, refuse: () => refusal && { by: name, ...refusal } };
}

const group: Omit<Refusal, 'by'> = {
  code: 'GROUP_SIZE',
  message: 'group size 16, needs a multiple of 128',
  hint: 'use the naive kernel',
};

describe('selectKernel', () => {
  it('takes the first that does not refuse and keeps the refusals before it', () => {
    const kernels = [kernel('fast', group), kernel('naive'), kernel('slow')];
    expect(selectKernel(kernels, linear(), device, 'exact')).toEqual({
      kernel: kernels[1],
      refusals: [{ by: 'fast', ...group }],
    });
  });

  it('throws every refusal when all refuse', () => {
    const kernels = [kernel('fast', group), kernel('naive', { code: 'DTYPE', message: 'bf16 scales' })];
    const select = () => selectKernel(kernels, linear('m.q_proj'), device, 'exact');
    expect(select).toThrow(NoKernelError);
    expect(select).toThrow(
      'no kernel runs m.q_proj\n  fast: group size 16, needs a multiple of 128 (use the naive kernel)\n  naive: bf16 scales',
    );
    try {
      select();
    } catch (error) {
      expect(error).toMatchObject({
        code: 'NO_KERNEL',
        module: 'm.q_proj',
        refusals: [{ by: 'fast' }, { by: 'naive' }],
      });
    }
  });

  it('shows each kernel the description, the device and the numerics', () => {
    const seen: unknown[] = [];
    const curious = { refuse: (...all: unknown[]) => void seen.push(...all) };
    const description = linear();
    selectKernel([curious], description, device, 'faithful');
    expect(seen).toEqual([description, device, 'faithful']);
  });
});

describe('selectKernelFor', () => {
  const kernels = {
    linear: [kernel('linear')],
    embedding: [kernel('embedding')],
    kvCache: [kernel('kvCache')],
  } as unknown as Kernels;
  const embedding: EmbeddingDescription = { kind: 'embedding', module: 'e', scheme: '', weight: linear().weight };
  const kvCache: KvCacheDescription = {
    kind: 'kvCache',
    module: 'c',
    scheme: '',
    type: 'f16',
    numKvHeads: 1,
    headSize: 8,
  };

  it.each([linear(), embedding, kvCache])('asks kernels of the kind $kind only', (description) => {
    expect(selectKernelFor(kernels, description, device, 'exact').kernel.name).toBe(description.kind);
  });
});
