import { RefusedError } from '@lowbit/core';
import { explainModel } from '@lowbit/runtime';
import { registry } from './registry.ts';

/**
 * The GPU; where there is none that can run the model, the processor, with the reason on stderr. A plan tells before any
 * weight is read.
 */
export async function chooseDevice(folder: string): Promise<string> {
  try {
    await explainModel(folder, { registry, device: 'webgpu' });
    return 'webgpu';
  } catch (error) {
    if (!(error instanceof RefusedError) || error.code !== 'NO_BACKEND') throw error;
    console.error(`${error.message}\nThe processor computes instead.`);
    return 'cpu';
  }
}
