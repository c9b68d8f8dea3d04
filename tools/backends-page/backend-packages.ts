import { join } from 'node:path';
import { type Backend, type Device, type KernelSelection, NoKernelError, selectKernelFor } from '@lowbit/core';
import { manifestBackends, publicPackages, root } from '../workspace.ts';
import type { Question } from './questions.ts';

/** A package of the workspace that brings backends. Several backends of one package share their kernels. */
export interface BackendPackage {
  /** `@lowbit/kernels-cpu` */
  readonly name: string;
  /** From the repository's root, with slashes. */
  readonly folder: string;
  /** `webgpu:hardware`, `webgpu:software` */
  readonly backends: readonly string[];
  readonly backend: Backend;
}

export async function backendPackages(): Promise<readonly BackendPackage[]> {
  const packages = publicPackages().filter(({ manifest }) => manifestBackends(manifest).length > 0);
  return Promise.all(
    packages.map(async ({ name, folder, manifest }) => {
      const { default: backend } = (await import(join(root, folder, 'src/index.ts'))) as { default: Backend };
      const backends = manifestBackends(manifest).map((one) => `${one.device}:${one.backend}`);
      return { name, folder, backends, backend };
    }),
  );
}

/** Kernels answer from the description; where one looked at its device, this would be one that offers nothing. */
const anyDevice: Device = { kind: 'made-up', name: 'a device' };

/** The kernel that runs a module, or why none does. */
export function ask(
  { backend }: BackendPackage,
  { description, numerics }: Question,
): KernelSelection | { readonly reason: string } {
  try {
    return selectKernelFor(backend.kernels, description as Parameters<typeof selectKernelFor>[1], anyDevice, numerics);
  } catch (error) {
    if (!(error instanceof NoKernelError)) throw error;
    return { reason: error.refusals.map(({ message }) => message).join('; ') };
  }
}
