import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GenerateChunk } from './engine/generate-request.ts';
import type { Model } from './model.ts';
import { openModel } from './open-model.ts';
import { type Golden, openShippedModel, readGolden, registry } from './test-support/shipped-model.ts';
import { memoryFolder } from './test-support/tiny-checkpoint.ts';

let model: Model;
let golden: Golden;
beforeAll(async () => {
  model = await openShippedModel();
  golden = await readGolden();
});
afterAll(() => model.close());

const greedy = (maxTokens: number) => ({ temperature: 0, maxTokens });

async function collect(chunks: AsyncIterable<GenerateChunk>): Promise<GenerateChunk[]> {
  const all: GenerateChunk[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return all;
}

describe('the shipped model', () => {
  it('says what it is', () => {
    expect(model.info).toMatchObject({
      architecture: 'Qwen3ForCausalLM',
      modelType: 'qwen3',
      method: 'awq',
      schemes: ['w4a16', 'unquantized'],
      backend: 'cpu:reference',
      numerics: 'fast',
      vocabSize: 4096,
      contextLength: 1024,
      hasChatTemplate: false,
      warnings: [],
    });
    expect(model.info.memory.weights).toBeGreaterThan(6e6 * 4);
  });

  it('continues as the reference run did, token for token', async () => {
    const result = await model.complete({ prompt: golden.prompt, sampling: greedy(golden.greedy_ids.length) });
    expect(result.tokenIds).toEqual(golden.greedy_ids);
    expect(result.text).toBe(golden.greedy_text);
    expect(result.finish).toEqual({ kind: 'length', length: golden.greedy_ids.length });
    expect(result.usage).toEqual({
      promptTokens: golden.prompt_ids.length,
      completionTokens: golden.greedy_ids.length,
    });
  });

  it('does so in a batch of mixed lengths, and the others get what they get alone', async () => {
    const long = Array.from({ length: 90 }, (_, index) => golden.greedy_ids[index % golden.greedy_ids.length]!);
    const others = [
      { prompt: long, sampling: greedy(6) },
      { prompt: 'Alice', sampling: { maxTokens: 12, seed: 4, temperature: 0.8, topP: 0.95 } },
      { prompt: long.slice(0, 17), sampling: { maxTokens: 9, seed: 5, minP: 0.05, repetitionPenalty: 1.1 } },
    ];
    const request = { prompt: golden.prompt_ids, sampling: greedy(golden.greedy_ids.length) };
    const [together, ...rest] = await Promise.all([request, ...others].map((each) => model.complete(each)));
    expect(together!.tokenIds).toEqual(golden.greedy_ids);
    for (const [index, other] of others.entries()) {
      expect((await model.complete(other)).tokenIds).toEqual(rest[index]!.tokenIds);
    }
  });

  it.each([1, 3, 5])('does so with prompts computed in chunks of %i', async (prefillChunk) => {
    const chunked = await openShippedModel({ prefillChunk, maxRunningRequests: 2 });
    const request = { prompt: golden.prompt, sampling: greedy(golden.greedy_ids.length) };
    const results = await Promise.all([request, request, request].map((each) => chunked.complete(each)));
    for (const { tokenIds } of results) expect(tokenIds).toEqual(golden.greedy_ids);
    await chunked.close();
  });

  it('streams text that joins to the whole, with one chunk per token', async () => {
    const chunks = await collect(model.generate({ prompt: golden.prompt, sampling: greedy(8) }));
    expect(chunks).toHaveLength(8);
    expect(chunks.flatMap(({ tokenIds }) => tokenIds)).toEqual(golden.greedy_ids.slice(0, 8));
    expect(golden.greedy_text.startsWith(chunks.map(({ text }) => text).join(''))).toBe(true);
    expect(chunks.map(({ finish }) => finish !== undefined)).toEqual([...Array(7).fill(false), true]);
  });

  it('stops at a stop string, which it leaves out or keeps, and never sends its beginning', async () => {
    const request = { prompt: golden.prompt, sampling: { ...greedy(32), stop: ['the water', 'never said'] } };
    const chunks = await collect(model.generate(request));
    const text = chunks.map((chunk) => chunk.text).join('');
    expect(text).toBe(golden.greedy_text.slice(0, golden.greedy_text.indexOf('the water')));
    expect(chunks.at(-1)!.finish).toEqual({ kind: 'stop', matched: 'the water' });
    const kept = await model.complete({ ...request, sampling: { ...request.sampling, keepStop: true } });
    expect(kept.text).toBe(`${text}the water`);
  });

  it('stops at a stop token, but not before minTokens', async () => {
    const [first, second] = golden.greedy_ids;
    const stopTokenIds = [second!];
    const stopped = await model.complete({ prompt: golden.prompt, sampling: { ...greedy(8), stopTokenIds } });
    expect(stopped.tokenIds).toEqual([first, second]);
    expect(stopped.finish).toEqual({ kind: 'stop', matched: second });
    expect(golden.greedy_text.startsWith(stopped.text)).toBe(true);
    const later = await model.complete({
      prompt: golden.prompt,
      sampling: { ...greedy(8), stopTokenIds, minTokens: 4 },
    });
    expect(later.tokenIds.length).toBeGreaterThanOrEqual(4);
    expect(later.tokenIds.slice(0, 4)).not.toContain(second);
  });

  it('gives the same log probabilities for output as for the same tokens read as a prompt', async () => {
    const output = await model.complete({ prompt: golden.prompt, sampling: greedy(10), logprobs: { top: 2 } });
    const replay = await model.complete({
      prompt: [...golden.prompt_ids, ...output.tokenIds],
      sampling: { maxTokens: 0 },
      logprobs: { top: 2, promptFrom: golden.prompt_ids.length },
    });
    expect(replay.promptLogprobs).toEqual(output.logprobs);
    expect(replay.tokenIds).toEqual([]);
    expect(output.logprobs![0]!.top[0]!.tokenId).toBe(output.tokenIds[0]);
    expect(output.logprobs![0]!.logprob).toBeLessThan(0);
  });

  it('has no log probability for the first prompt token', async () => {
    const sampling = { maxTokens: 1 };
    const { promptLogprobs } = await model.complete({
      prompt: [5, 6, 7],
      sampling,
      logprobs: { top: 0, promptFrom: 0 },
    });
    expect(promptLogprobs!.map(({ tokenId }) => tokenId)).toEqual([5, 6, 7]);
    expect(promptLogprobs!.map(({ logprob }) => logprob === null)).toEqual([true, false, false]);
  });

  it('ends with abort when the signal says so, and frees its blocks', async () => {
    const controller = new AbortController();
    const chunks: GenerateChunk[] = [];
    for await (const chunk of model.generate({
      prompt: 'Once',
      sampling: { maxTokens: 500 },
      signal: controller.signal,
    })) {
      chunks.push(chunk);
      if (chunks.length === 3) controller.abort();
    }
    expect(chunks.at(-1)!.finish).toEqual({ kind: 'abort', message: 'the request was aborted' });
    expect(chunks.length).toBeLessThan(8);
    await model.complete({ prompt: 'Once', sampling: { maxTokens: 1 } });
    expect(model.status()).toMatchObject({ running: 0, waiting: 0, kvCache: { used: 0 } });
  });

  it('lets go of a generation that nobody reads any more', async () => {
    for await (const _ of model.generate({ prompt: 'Once', sampling: { maxTokens: 500 } })) break;
    await model.complete({ prompt: 'Once', sampling: { maxTokens: 1 } });
    expect(model.status().kvCache.used).toBe(0);
  });

  it('cuts a request to what the context leaves', async () => {
    const small = await openShippedModel({ contextLength: 16 });
    const result = await small.complete({ prompt: golden.prompt, sampling: greedy(100) });
    expect(result.tokenIds).toEqual(golden.greedy_ids.slice(0, 16 - golden.prompt_ids.length));
    expect(result.finish.kind).toBe('length');
    await small.close();
  });

  it.each([
    [
      { prompt: Array<number>(1024).fill(3) },
      'the prompt has 1024 tokens; the context holds 1024, the continuation included',
    ],
    [{ prompt: [] }, 'the prompt has no tokens'],
    [{ prompt: '' }, 'the prompt has no tokens'],
    [{ prompt: [4096] }, 'token id 4096: expected a whole number from 0 to 4095'],
    [{ prompt: 'x', sampling: { topP: 2 } }, 'topP: expected a number above 0 and at most 1, found 2'],
  ])('says what is wrong with a request: %j', async (request, message) => {
    await expect(model.complete(request)).rejects.toThrow(message);
  });

  it('says that it has no chat template', async () => {
    await expect(model.renderChat([{ role: 'user', content: 'Hello' }])).rejects.toThrow('has no chat template');
  });
});

describe('openModel', () => {
  it('runs a folder without tokenizer on token ids, and says so for text', async () => {
    const tiny = await openModel(memoryFolder(), { registry });
    const result = await tiny.complete({ prompt: [1, 3], sampling: { maxTokens: 4, ignoreEos: true } });
    expect(result).toMatchObject({ text: '', usage: { completionTokens: 4 } });
    await expect(tiny.complete({ prompt: 'hello' })).rejects.toThrow(
      'a text prompt needs a tokenizer, and tiny holds no tokenizer.json',
    );
    await expect(tiny.complete({ prompt: [1], sampling: { stop: ['x'] } })).rejects.toThrow(
      'stop strings needs a tokenizer',
    );
    await tiny.close();
    await expect(tiny.complete({ prompt: [1] })).rejects.toThrow('the model tiny is closed');
  });

  it('ends running generations when it is closed', async () => {
    const tiny = await openModel(memoryFolder(), { registry });
    const endless = tiny.complete({ prompt: [1], sampling: { maxTokens: 60, ignoreEos: true, minTokens: 60 } });
    const unread = expect(tiny.logits([1, 2])).rejects.toThrow('the model tiny is closed');
    await tiny.close();
    await unread;
    await expect(tiny.logits([1, 2])).rejects.toThrow('the model tiny is closed');
    expect((await endless).finish).toEqual({ kind: 'abort', message: 'the model was closed' });
  });

  it('refuses a KV cache that cannot hold one context', async () => {
    await expect(openModel(memoryFolder(), { registry, kvCacheTokens: 63 })).rejects.toThrow(
      'a KV cache of 63 tokens cannot hold one context of 64',
    );
  });

  it('reports progress and can be interrupted', async () => {
    const seen: string[] = [];
    const opened = await openModel(memoryFolder(), {
      registry,
      onProgress: ({ stage, done, total }) => seen.push(`${stage} ${done}/${total}`),
    });
    await opened.close();
    expect(seen.at(-1)).toMatch(/^weights (\d+)\/\1$/);
    await expect(openModel(memoryFolder(), { registry, signal: AbortSignal.abort() })).rejects.toThrow('aborted');
  });

  it.each([
    ['no such folder', '/nowhere/at/all', 'cannot read the model folder /nowhere/at/all: ENOENT'],
    ['no config.json', import.meta.dirname, 'holds no config.json'],
  ])('names the trouble with %s', async (_, path, message) => {
    await expect(openModel(path, { registry })).rejects.toThrow(message);
  });
});
