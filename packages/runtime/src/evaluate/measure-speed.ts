import { LowbitError } from '@lowbit/core';
import { median } from '../median.ts';
import type { Model } from '../model.ts';
import { createRandom, type Random } from '../sampling/random.ts';
import { requireWhole } from './require-whole.ts';
import type { Speed, SpeedOptions, SpeedReport } from './speed-report.ts';

/** Tokens that warm a decoding up, at most: before the first, and written. */
const warmUpTokens = 16;

/**
 * Tokens per second of prefill and of decoding, on random token ids, and what share of the speed of memory they take. Each
 * run measures everything once, so that a machine that slows down slows all of it. A run before them warms up: it reads
 * the prompt in full, and decodes a little.
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
  const prompts = (count: number, length: number) =>
    Array.from({ length: count }, () => randomPrompt(model, length, random));
  const prefill: number[] = [];
  const decode = batches.map((): number[] => []);
  const bandwidths: number[] = [];
  const total = (runs + 1) * (batches.length + 1);
  let done = 0;
  const measure = async (once: () => Promise<number>) => {
    options.signal?.throwIfAborted();
    options.onProgress?.({ stage: 'measure', done, total });
    const speed = await once();
    done += 1;
    return speed;
  };
  for (let run = 0; run <= runs; run++) {
    const warmUp = run === 0;
    const read = await measure(() => timePrefill(model, randomPrompt(model, promptTokens, random), options.signal));
    if (warmUp) options.onFirstToken?.();
    else prefill.push(read);
    for (const [index, batch] of batches.entries()) {
      const [cached, written] = [context, newTokens].map((tokens) =>
        warmUp ? Math.min(tokens, warmUpTokens) : tokens,
      );
      const speed = await measure(() => timeDecoding(model, prompts(batch, cached!), written!, options.signal));
      if (!warmUp) decode[index]!.push(speed);
    }
    if (warmUp) continue;
    if (run === 1) options.onBeforeBandwidth?.();
    const bandwidth = await model.measureReadBandwidth();
    if (bandwidth !== undefined) bandwidths.push(bandwidth);
  }
  options.onProgress?.({ stage: 'measure', done, total });
  return {
    prefill: { promptTokens, ...summarize(prefill) },
    decode: batches.map((batch, index) => ({
      batch,
      context,
      newTokens,
      ...summarize(decode[index]!),
      ...summarizeReads(model.bytesPerStep(batch, context + newTokens / 2), decode[index]!, batch, bandwidths),
    })),
    ...(bandwidths.length > 0 && { readBandwidth: { bytesPerSecond: median(bandwidths), runs: bandwidths } }),
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
  await untilIdle(model);
  if (speed !== undefined) return speed;
  signal?.throwIfAborted();
  throw new LowbitError({
    code: 'BENCHMARK',
    message: `sequences of ${prompts[0]?.length} tokens reached the end of their context of ${model.info.contextLength} before ${newTokens} tokens each were timed`,
    remedy: 'Use fewer new tokens, a smaller batch or a shorter context.',
  });
}

/** The forward in progress still carries the sequences that were stopped, and would delay what is timed next. */
async function untilIdle(model: Model): Promise<void> {
  while (model.status().running > 0) await new Promise((resolve) => setTimeout(resolve, 1));
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

function summarizeReads(
  bytes: number | undefined,
  speeds: readonly number[],
  batch: number,
  bandwidths: readonly number[],
): Pick<SpeedReport['decode'][number], 'bytesPerStep' | 'bandwidthShare'> {
  if (bytes === undefined) return {};
  if (bandwidths.length === 0) return { bytesPerStep: bytes };
  const shares = speeds.map((speed, run) => ((speed / batch) * bytes) / bandwidths[run]!);
  return { bytesPerStep: bytes, bandwidthShare: median(shares) };
}
