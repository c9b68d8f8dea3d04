import { LowbitError } from '@lowbit/core';
import type { Model } from '../model.ts';
import type { PerplexityOptions, PerplexityReport } from './perplexity-report.ts';
import { requireWhole } from './require-whole.ts';

/**
 * Perplexity of a text: exp of the mean negative log-likelihood over disjoint windows from its start. The first token of
 * a window has no context and is not scored.
 * @throws LowbitError EVALUATION for a text shorter than one window, or a window longer than the context
 */
export async function measurePerplexity(
  model: Model,
  text: string,
  options: PerplexityOptions,
): Promise<PerplexityReport> {
  const { window = 512, windows: wanted = 64 } = options;
  requireWhole('EVALUATION', 'window', window, 2, model.info.contextLength);
  requireWhole('EVALUATION', 'windows', wanted, 1, Number.MAX_SAFE_INTEGER);
  if (!model.tokenizer) {
    throw new LowbitError({
      code: 'TOKENIZER_MISSING',
      message: `${model.info.path} holds no tokenizer.json, so text cannot be scored`,
    });
  }
  const tokenIds = model.tokenizer.encode(text, { addSpecialTokens: false });
  const windows = Math.min(wanted, Math.floor(tokenIds.length / window));
  if (windows === 0) {
    throw new LowbitError({
      code: 'EVALUATION',
      message: `the text has ${tokenIds.length} tokens, less than one window of ${window}`,
      remedy: 'Use a longer text or a smaller --window.',
    });
  }
  let negativeLogLikelihood = 0;
  for (let index = 0; index < windows; index++) {
    options.signal?.throwIfAborted();
    options.onProgress?.({ stage: 'evaluate', done: index, total: windows });
    negativeLogLikelihood += await scoreWindow(model, tokenIds.slice(index * window, (index + 1) * window), options);
  }
  options.onProgress?.({ stage: 'evaluate', done: windows, total: windows });
  const tokens = windows * (window - 1);
  return { perplexity: Math.exp(negativeLogLikelihood / tokens), tokens, window, windows };
}

async function scoreWindow(model: Model, prompt: readonly number[], { signal }: PerplexityOptions): Promise<number> {
  const { promptLogprobs = [], finish } = await model.complete({
    prompt,
    sampling: { maxTokens: 0 },
    logprobs: { top: 0, promptFrom: 1 },
    signal,
  });
  if (finish.kind === 'abort') throw new LowbitError({ code: 'ABORTED', message: finish.message });
  return promptLogprobs.reduce((sum, { logprob }) => sum - (logprob ?? 0), 0);
}
