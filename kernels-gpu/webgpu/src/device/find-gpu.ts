/// <reference types="@webgpu/types" />
import type { Refusal } from '@lowbit/core';

type Found = { readonly gpu: GPU } | { readonly missing: Omit<Refusal, 'by'> };

interface Dawn {
  create(options: readonly string[]): GPU;
}

/**
 * The browser's `navigator.gpu`, or in Node what the optional package `webgpu` (Dawn) makes. The name is not written as a
 * literal, so that bundlers leave the package out where it is not installed.
 */
export async function findGpu(importDawn = importByName): Promise<Found> {
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
  return { gpu: dawn.create([]) };
}

function importByName(name: string): Promise<Dawn> {
  return import(/* webpackIgnore: true */ /* @vite-ignore */ name);
}
