import { defineConfig } from 'tsup';

/** One build for every package: ESM and types from `src/index.ts`. A package with more entries extends this. */
export default defineConfig({
  entry: ['src/index.ts'],
  format: ['esm'],
  target: 'node20',
  dts: true,
  clean: true,
  sourcemap: true,
  silent: true,
  loader: { '.wgsl': 'text' },
});
