/// <reference types="@webgpu/types" />
import type { Refusal } from '@lowbit/core';

type Found = { readonly gpu: GPU } | { readonly missing: Omit<Refusal, 'by'> };

/**
 * The browser's `navigator.gpu`, or in Node what the optional package `webgpu` (Dawn) makes. The name is not written as a
 * literal, so that bundlers leave the package out where it is not installed.
 */
export async function findGpu(): Promise<Found> {
  const ofBrowser = (globalThis as { navigator?: { gpu?: GPU } }).navigator?.gpu;
  if (ofBrowser) return { gpu: ofBrowser };
  if (!('process' in globalThis)) {
    return { missing: { code: 'NO_WEBGPU', message: 'this browser has no WebGPU, or the page is not secure' } };
  }
  const name = 'webgpu';
  let dawn: { create(options: readonly string[]): GPU };
  try {
    dawn = await import(/* webpackIgnore: true */ /* @vite-ignore */ name);
  } catch (error) {
    const reason = (error as { code?: string }).code === 'ERR_MODULE_NOT_FOUND' ? 'is not installed' : String(error);
    return {
      missing: {
        code: 'NO_WEBGPU',
        message: `the package webgpu ${reason}`,
        hint: 'npm install webgpu',
      },
    };
  }
  return { gpu: dawn.create([]) };
}
