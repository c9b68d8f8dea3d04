import type { ModuleDescription, NormDescription, VectorDescription } from './description.ts';
import type { Device, Numerics } from './device.ts';
import { NoKernelError } from './errors/no-kernel-error.ts';
import type { EmbeddingKernel, Kernels, KvCacheKernel, LinearKernel, MoeKernel } from './kernel.ts';
import type { Refusal } from './refusal.ts';

/** The kernel chosen for one module, and every refusal met before it. */
export interface KernelSelection<Kernel = LinearKernel | MoeKernel | EmbeddingKernel | KvCacheKernel> {
  readonly kernel: Kernel;
  readonly refusals: readonly Refusal[];
}

interface Candidate<Description> {
  refuse(description: Description, device: Device, numerics: Numerics): Refusal | undefined;
}

/**
 * The first kernel that does not refuse; all refusals are kept.
 * @throws NoKernelError carrying every refusal
 */
export function selectKernel<Description extends { readonly module: string }, K extends Candidate<Description>>(
  kernels: readonly K[],
  description: Description,
  device: Device,
  numerics: Numerics,
): KernelSelection<K> {
  const refusals: Refusal[] = [];
  for (const kernel of kernels) {
    const refusal = kernel.refuse(description, device, numerics);
    if (!refusal) return { kernel, refusals };
    refusals.push(refusal);
  }
  throw new NoKernelError(description.module, refusals);
}

/** `selectKernel` among the kernels of the module's own kind: a linear kernel never sees an embedding. */
export function selectKernelFor(
  kernels: Kernels,
  description: Exclude<ModuleDescription, NormDescription | VectorDescription>,
  device: Device,
  numerics: Numerics,
): KernelSelection {
  switch (description.kind) {
    case 'linear':
      return selectKernel(kernels.linear, description, device, numerics);
    case 'moe':
      return selectKernel(kernels.moe, description, device, numerics);
    case 'embedding':
      return selectKernel(kernels.embedding, description, device, numerics);
    case 'kvCache':
      return selectKernel(kernels.kvCache, description, device, numerics);
  }
}
