import { afterEach, expect, it, vi } from 'vitest';
import { findGpu } from './find-gpu.ts';

afterEach(() => vi.unstubAllGlobals());

it("takes the browser's", async () => {
  const gpu = {};
  vi.stubGlobal('navigator', { gpu });
  expect(await findGpu()).toEqual({ gpu });
});

it('says that a browser has none', async () => {
  vi.stubGlobal('navigator', {});
  vi.stubGlobal('process', undefined);
  expect(await findGpu()).toEqual({
    missing: { code: 'NO_WEBGPU', message: 'this browser has no WebGPU, or the page is not secure' },
  });
});

it.each([
  [Object.assign(new Error('no'), { code: 'ERR_MODULE_NOT_FOUND' }), 'the package webgpu is not installed'],
  [new Error('libfoo.so: not found'), 'the package webgpu cannot be loaded: libfoo.so: not found'],
])('says that Node cannot load it: %s', async (error, message) => {
  vi.stubGlobal('navigator', {});
  expect(await findGpu(() => Promise.reject(error))).toEqual({
    missing: { code: 'NO_WEBGPU', message, hint: 'npm install webgpu' },
  });
});
