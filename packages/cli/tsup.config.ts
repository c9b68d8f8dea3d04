import { cp } from 'node:fs/promises';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'tsup';
import base from '../../tsup.config.ts';

const model = fileURLToPath(new URL('../../examples/models/dense-awq', import.meta.url));

/** The command and its entry point, and the small model that `lowbit generate` runs when none is named. */
export default defineConfig({
  ...base,
  entry: ['src/index.ts', 'src/main.ts'],
  async onSuccess() {
    await cp(model, 'dist/models/dense-awq', {
      recursive: true,
      filter: (source) => !/^(golden|provenance)\./.test(basename(source)),
    });
  },
});
