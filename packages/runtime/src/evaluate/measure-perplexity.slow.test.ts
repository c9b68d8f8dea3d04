import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openShippedModel, readGolden, shippedModel } from '../test-support/shipped-model.ts';
import { measurePerplexity } from './measure-perplexity.ts';

it('has the recorded perplexity on held-out text, within 0.1 %', async () => {
  const model = await openShippedModel({ numerics: 'faithful' });
  const text = await readFile(join(shippedModel, '../heldout.txt'), 'utf8');
  const { perplexity, windows } = await measurePerplexity(model, text, { window: 512, windows: 64 });
  const { heldout_ppl: recorded } = await readGolden();
  expect(windows).toBe(64);
  expect(Math.abs(perplexity / recorded - 1)).toBeLessThan(1e-3);
  await model.close();
});
