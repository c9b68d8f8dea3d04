import { defineConfig } from 'vitest/config';

const conditions = ['@lowbit/source', 'node', 'import', 'default'];
const sources = ['packages/*/src', 'kernels-*/*/src', 'docs', 'tools', 'examples/*/src', 'examples/plugins/*/src'];
const slow = sources.map((folder) => `${folder}/**/*.slow.test.ts`);
const built = sources.map((folder) => `${folder}/**/*.built.test.ts`);

/**
 * Tests run on the sources: the `@lowbit/source` export condition points each package at its `src`. Two kinds of files
 * run in projects of their own: `*.slow.test.ts` take minutes, `*.built.test.ts` need `pnpm build` first.
 */
export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: sources.map((folder) => `${folder}/**/*.test.ts`),
          exclude: ['**/node_modules/**', ...slow, ...built],
          // Whole models run on the reference backend, which is slow by intent, on machines of any speed.
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      { extends: true, test: { name: 'slow', include: slow, testTimeout: 600_000 } },
      { extends: true, test: { name: 'built', include: built, testTimeout: 120_000, hookTimeout: 300_000 } },
    ],
  },
});
