import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { registry } from '../test-support/shipped-model.ts';
import { verifyModel } from '../verify/verify-model.ts';

const fixtures = fileURLToPath(new URL('../__fixtures__', import.meta.url));
const folders = ['decoders', 'multimodal'].flatMap((kind) =>
  readdirSync(join(fixtures, kind)).map((name) => join(fixtures, kind, name)),
);

it.each(folders.map((folder) => [folder.slice(fixtures.length + 1), folder]))(
  '%s gives the logits that transformers computed',
  async (_, folder) => {
    const { records } = await verifyModel(folder, { registry, against: join(folder, 'golden.safetensors') });
    expect(records.map(({ record }) => record)).toEqual(['logits_0', 'logits_1', 'logits_2']);
    // f32 against f32 in another order of sums: at most 9e-7 of the range.
    const worst = Math.max(...records.map(({ measures }) => measures?.relative ?? Number.POSITIVE_INFINITY));
    expect(worst).toBeLessThan(2e-6);
  },
);
