import { defineConfig } from 'vitest/config';

const conditions = ['@lowbit/source', 'node', 'import', 'default'];
const sources = ['packages/*/src', 'kernels-*/*/src', 'docs', 'tools', 'examples/*/src', 'examples/plugins/*/src'];
const slow = sources.map((folder) => `${folder}/**/*.slow.test.ts`);
const webgpu = ['kernels-gpu/webgpu/src/**/*.test.ts', 'tools/{verify,browser}-webgpu.test.ts'];
const softwareDriver = 'kernels-gpu/webgpu/src/test-support/software-driver.ts';
const built = sources.map((folder) => `${folder}/**/*.built.test.ts`);

/**
 * Tests run on the sources: the `@lowbit/source` export condition points each package at its `src`. Two kinds of files
 * run in projects of their own: `*.slow.test.ts` take minutes, `*.built.test.ts` need `pnpm build` first. Tests of WebGPU
 * need a driver before their process starts.
 */
export default defineConfig({
  plugins: [
    {
      name: 'wgsl',
      transform: (code, id) => (id.endsWith('.wgsl') ? `export default ${JSON.stringify(code)}` : undefined),
    },
  ],
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: sources.map((folder) => `${folder}/**/*.test.ts`),
          exclude: ['**/node_modules/**', ...slow, ...built, ...webgpu],
          // Whole models run on the reference backend, which is slow by intent, on machines of any speed.
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'webgpu',
          include: webgpu,
          globalSetup: softwareDriver,
          testTimeout: 60_000,
        },
      },
      { extends: true, test: { name: 'slow', include: slow, globalSetup: softwareDriver, testTimeout: 600_000 } },
      { extends: true, test: { name: 'built', include: built, testTimeout: 120_000, hookTimeout: 300_000 } },
    ],
  },
});
