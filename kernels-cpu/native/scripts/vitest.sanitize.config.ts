import { defineConfig } from 'vitest/config';

const conditions = ['@lowbit/source', 'node', 'import', 'default'];

/** The tests of this package, with the checked addon in place of the fast one. */
export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  plugins: [
    {
      name: 'checked-addon',
      transform: (code, id) =>
        id.endsWith('/find-addon.ts') ? code.replace('lowbit-cpu.node', 'lowbit-cpu-sanitize.node') : undefined,
    },
  ],
  test: {
    include: ['kernels-cpu/native/src/**/*.test.ts', 'tools/verify-native.test.ts'],
    // The one has been run already, the other tests the name that is exchanged here.
    exclude: ['**/cpp-programs.test.ts', '**/find-addon.test.ts'],
    testTimeout: 120_000,
    pool: 'forks',
  },
});
