import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { expect, it } from 'vitest';

const entry = `
  import awq from '@lowbit/awq';
  import { openHttpFolder, openOpfsStore } from '@lowbit/browser';
  import { createRegistry } from '@lowbit/core';
  import reference from '@lowbit/kernels-cpu-reference';
  import webgpu from '@lowbit/kernels-webgpu';
  import { explainModel, openModel } from '@lowbit/runtime';

  export const registry = createRegistry({ methods: [awq], backends: [webgpu, reference] });
  export { explainModel, openHttpFolder, openModel, openOpfsStore };
`;

it('runtime, a method, WebGPU and this package make a bundle for browsers of less than 300 kB', async () => {
  const { outputFiles, metafile, warnings } = await build({
    stdin: { contents: entry, resolveDir: fileURLToPath(new URL('.', import.meta.url)) },
    alias: { '@lowbit/browser': fileURLToPath(new URL('index.ts', import.meta.url)) },
    conditions: ['@lowbit/source'],
    loader: { '.wgsl': 'text' },
    platform: 'browser',
    format: 'esm',
    bundle: true,
    minify: true,
    metafile: true,
    write: false,
  });
  const [output] = Object.values(metafile.outputs);
  expect(warnings).toEqual([]);
  // Nothing is left to import: no module of Node, no package.
  expect(output?.imports).toEqual([]);
  expect(gzipSync(outputFiles[0]!.contents).length).toBeLessThan(300_000);
});
