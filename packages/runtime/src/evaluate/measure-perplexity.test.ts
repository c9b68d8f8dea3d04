import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Model } from '../model.ts';
import { openModel } from '../open-model.ts';
import { openShippedModel, registry, shippedModel } from '../test-support/shipped-model.ts';
import { memoryFolder } from '../test-support/tiny-checkpoint.ts';
import { measurePerplexity } from './measure-perplexity.ts';

let model: Model;
let text: string;
beforeAll(async () => {
  model = await openShippedModel();
  text = await readFile(join(shippedModel, '../heldout.txt'), 'utf8');
});
afterAll(() => model.close());

describe('measurePerplexity', () => {
  it('is exp of the mean negative log-likelihood, the first token of a window not scored', async () => {
    const report = await measurePerplexity(model, text, { window: 8, windows: 2 });
    const tokenIds = model.tokenizer!.encode(text);
    let sum = 0;
    for (const window of [tokenIds.slice(0, 8), tokenIds.slice(8, 16)]) {
      const logits = await model.logits(window);
      for (let position = 1; position < 8; position++) {
        const row = logits.subarray((position - 1) * 4096, position * 4096);
        sum -= row[window[position]!]! - Math.log(row.reduce((total, logit) => total + Math.exp(logit), 0));
      }
    }
    expect(report).toMatchObject({ tokens: 14, window: 8, windows: 2 });
    expect(report.perplexity).toBeCloseTo(Math.exp(sum / 14), 6);
  });

  it('takes the windows that the text has', async () => {
    const report = await measurePerplexity(model, 'The ship had been at sea for a long time.', {
      window: 4,
      windows: 64,
    });
    expect(report.windows).toBeLessThan(64);
    expect(report.tokens).toBe(report.windows * 3);
  });

  it.each([
    ['short', {}, 'the text has 2 tokens, less than one window of 512'],
    ['text', { window: 1 }, 'window: expected a whole number from 2 to 1024, found 1'],
    ['text', { window: 2000 }, 'window: expected a whole number from 2 to 1024, found 2000'],
    ['text', { windows: 0 }, 'windows: expected a whole number from 1'],
  ])('says what is wrong with %j and %j', async (content, options, message) => {
    await expect(measurePerplexity(model, content, options)).rejects.toThrow(message);
  });

  it('needs a tokenizer', async () => {
    const tiny = await openModel(memoryFolder(), { registry });
    await expect(measurePerplexity(tiny, 'text', { window: 8 })).rejects.toThrow(
      'tiny holds no tokenizer.json, so text cannot be scored',
    );
    await tiny.close();
  });
});
