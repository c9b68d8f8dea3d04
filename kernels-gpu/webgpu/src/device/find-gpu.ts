/// <reference types="@webgpu/types" />
import type { Refusal } from '@lowbit/core';

export interface FoundGpu {
  readonly gpu: GPU;
  /** In Node; a browser has none. */
  readonly dawn?: Dawn;
}

export interface Dawn {
  /** `adapter=<part of a name>` and `backend=<api>` among the options narrow what adapters it has. */
  create(options: readonly string[]): GPU;
}

/**
 * The browser's `navigator.gpu`, or in Node what the optional package `webgpu` (Dawn) makes. The name is not written as a
 * literal, so that bundlers leave the package out where it is not installed.
 */
export async function findGpu(
  importDawn = importByName,
): Promise<FoundGpu | { readonly missing: Omit<Refusal, 'by'> }> {
  const ofBrowser = (globalThis as { navigator?: { gpu?: GPU } }).navigator?.gpu;
  if (ofBrowser) return { gpu: ofBrowser };
  if (globalThis.process === undefined) {
    return { missing: { code: 'NO_WEBGPU', message: 'this browser has no WebGPU, or the page is not secure' } };
  }
  let dawn: Dawn;
  try {
    dawn = await importDawn('webgpu');
  } catch (error) {
    const { code, message } = error as { code?: string; message?: string };
    const reason = code === 'ERR_MODULE_NOT_FOUND' ? 'is not installed' : `cannot be loaded: ${message}`;
    return {
      missing: {
        code: 'NO_WEBGPU',
        message: `the package webgpu ${reason}`,
        hint: 'npm install webgpu',
      },
    };
  }
  return { gpu: dawn.create([]), dawn };
}

function importByName(name: string): Promise<Dawn> {
  return import(/* webpackIgnore: true */ /* @vite-ignore */ name);
}
