import { defineConfig } from 'vitest/config';

/** Tests run on the sources: the `@lowbit/source` export condition points each package at its `src`. */
export default defineConfig({
  resolve: { conditions: ['@lowbit/source', 'node', 'import', 'default'] },
  ssr: { resolve: { conditions: ['@lowbit/source', 'node', 'import', 'default'] } },
  test: {
    include: ['packages/*/src/**/*.test.ts', 'kernels-*/*/src/**/*.test.ts', 'tools/**/*.test.ts'],
  },
});
