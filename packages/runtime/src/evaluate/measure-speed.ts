import { LowbitError } from '@lowbit/core';
import { median } from '../median.ts';
import type { Model } from '../model.ts';
import { createRandom, type Random } from '../sampling/random.ts';
import { requireWhole } from './require-whole.ts';
import type { Speed, SpeedOptions, SpeedReport } from './speed-report.ts';

/**
 * Tokens per second of prefill and of decoding, on random token ids. Each run measures everything once, so that a machine
 * that slows down slows all of it; the first run only warms up.
 * @throws LowbitError BENCHMARK for numbers that the model's context cannot hold, or sequences that end before the time is up
 */
export async function measureSpeed(model: Model, options: SpeedOptions = {}): Promise<SpeedReport> {
  const { promptTokens = 512, newTokens = 64, context = promptTokens, batches = [1], runs = 5, seed = 0 } = options;
  const { contextLength } = model.info;
  requireWhole('BENCHMARK', 'prompt tokens', promptTokens, 1, contextLength - 1);
  requireWhole('BENCHMARK', 'new tokens', newTokens, 1, contextLength - 1);
  requireWhole('BENCHMARK', 'context', context, 1, contextLength - newTokens - 1);
  requireWhole('BENCHMARK', 'runs', runs, 1, Number.MAX_SAFE_INTEGER);
  for (const batch of batches) requireWhole('BENCHMARK', 'batch', batch, 1, Number.MAX_SAFE_INTEGER);

  const random = createRandom(seed);
  const prefill: number[] = [];
  const decode = batches.map((): number[] => []);
  const total = (runs + 1) * (batches.length + 1);
  let done = 0;
  const measure = async (speeds: number[], run: number, once: () => Promise<number>) => {
    options.signal?.throwIfAborted();
    options.onProgress?.({ stage: 'measure', done, total });
    const speed = await once();
    if (run > 0) speeds.push(speed);
    done += 1;
  };
  for (let run = 0; run <= runs; run++) {
    await measure(prefill, run, () => timePrefill(model, randomPrompt(model, promptTokens, random), options.signal));
    for (const [index, batch] of batches.entries()) {
      const prompts = Array.from({ length: batch }, () => randomPrompt(model, context, random));
      await measure(decode[index]!, run, () => timeDecoding(model, prompts, newTokens, options.signal));
    }
  }
  options.onProgress?.({ stage: 'measure', done, total });
  return {
    prefill: { promptTokens, ...summarize(prefill) },
    decode: batches.map((batch, index) => ({ batch, context, newTokens, ...summarize(decode[index]!) })),
  };
}

/** From the request to its first token. */
async function timePrefill(model: Model, prompt: readonly number[], signal?: AbortSignal): Promise<number> {
  const start = performance.now();
  const { finish } = await model.complete({ prompt, sampling: { ...greedy, maxTokens: 1 }, signal });
  if (finish.kind === 'abort') throw new LowbitError({ code: 'ABORTED', message: finish.message });
  return perSecond(prompt.length, start);
}

/** From the moment when every sequence has its first token, `newTokens` for each on average. */
async function timeDecoding(
  model: Model,
  prompts: readonly (readonly number[])[],
  newTokens: number,
  signal?: AbortSignal,
): Promise<number> {
  const measured = new AbortController();
  const signals = AbortSignal.any([measured.signal, ...(signal ? [signal] : [])]);
  let begun = 0;
  let start = 0;
  let tokens = 0;
  let speed: number | undefined;
  const decodeOne = async (prompt: readonly number[]) => {
    const sampling = { ...greedy, maxTokens: model.info.contextLength - prompt.length };
    let before = 0;
    for await (const { usage } of model.generate({ prompt, sampling, signal: signals })) {
      const { completionTokens } = usage;
      if (before === 0 && completionTokens > 0) {
        begun += 1;
        if (begun === prompts.length) start = performance.now();
      } else if (start > 0) tokens += completionTokens - before;
      before = completionTokens;
      if (tokens < newTokens * prompts.length || speed !== undefined) continue;
      speed = perSecond(tokens, start);
      measured.abort();
    }
  };
  await Promise.all(prompts.map(decodeOne));
  // The forward in progress still carries the stopped sequences, and would delay what is timed next.
  while (model.status().running > 0) await new Promise((resolve) => setTimeout(resolve, 1));
  if (speed !== undefined) return speed;
  signal?.throwIfAborted();
  throw new LowbitError({
    code: 'BENCHMARK',
    message: `sequences of ${prompts[0]?.length} tokens reached the end of their context of ${model.info.contextLength} before ${newTokens} tokens each were timed`,
    remedy: 'Use fewer new tokens, a smaller batch or a shorter context.',
  });
}

const greedy = { temperature: 0, ignoreEos: true } as const;

function randomPrompt(model: Model, length: number, random: Random): readonly number[] {
  return Array.from({ length }, () => Math.floor(random() * model.info.vocabSize));
}

function perSecond(tokens: number, start: number): number {
  return (tokens * 1000) / (performance.now() - start);
}

function summarize(runs: readonly number[]): Speed {
  return { tokensPerSecond: median(runs), lowest: Math.min(...runs), highest: Math.max(...runs), runs };
}
