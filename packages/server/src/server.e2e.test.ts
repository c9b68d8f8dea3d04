import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import awq from '@lowbit/awq';
import { createRegistry } from '@lowbit/core';
import reference from '@lowbit/kernels-cpu-reference';
import { type Model, openModel } from '@lowbit/runtime';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunningServer, startServer } from './start-server.ts';
import { readEvents } from './test-support/call.ts';

const folder = fileURLToPath(new URL('../../../examples/models/dense-awq', import.meta.url));
/** Recorded from an independent implementation of the model, see provenance.json beside it. */
const golden: { prompt: string; prompt_ids: number[]; greedy_ids: number[]; greedy_text: string } = JSON.parse(
  readFileSync(`${folder}/golden.json`, 'utf8'),
);
const greedy = { temperature: 0, max_new_tokens: golden.greedy_ids.length };

let model: Model;
let server: RunningServer;
let client: OpenAI;

beforeAll(async () => {
  const registry = createRegistry({ methods: [awq], backends: [reference] });
  model = await openModel(folder, { registry, device: 'cpu' });
  server = await startServer({ model, port: 0 });
  client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'none', maxRetries: 0 });
}, 60_000);

afterAll(async () => {
  await server?.close();
  await model?.close();
});

const send = (path: string, body: unknown) =>
  fetch(server.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
// biome-ignore lint/suspicious/noExplicitAny: answers are looked into, field by field
const post = async (path: string, body: unknown): Promise<any> => (await send(path, body)).json();

describe('a quantized model over HTTP', { timeout: 60_000 }, () => {
  it('says what it is', async () => {
    const info = await (await fetch(`${server.url}/model_info`)).json();
    expect(info).toMatchObject({
      served_model_name: 'dense-awq',
      model_type: 'qwen3',
      context_length: 1024,
      vocab_size: 4096,
      quantization: { method: 'awq', backend: 'cpu:reference' },
    });
    expect((await fetch(`${server.url}/health_generate`)).status).toBe(200);
  });

  it('continues greedily as the recorded run did, from text and from token ids', async () => {
    const [text, ids] = await Promise.all([
      post('/generate', { text: golden.prompt, sampling_params: greedy }),
      post('/generate', { input_ids: golden.prompt_ids, sampling_params: greedy }),
    ]);
    for (const output of [text, ids]) {
      expect(output.output_ids).toEqual(golden.greedy_ids);
      expect(output.text).toBe(golden.greedy_text);
      expect(output.meta_info).toMatchObject({
        prompt_tokens: golden.prompt_ids.length,
        completion_tokens: golden.greedy_ids.length,
        finish_reason: { type: 'length', length: golden.greedy_ids.length },
      });
    }
  });

  it('streams the same text, and gives the same in a mixed batch', async () => {
    const prompts = [golden.prompt, 'It was', golden.prompt, 'In the morning the old man went to'];
    const text = await (await send('/generate', { text: prompts, stream: true, sampling_params: greedy })).text();
    const last = new Map(readEvents(text).map((event) => [event.index, event]));
    expect(last.size).toBe(4);
    expect(last.get(0).text).toBe(golden.greedy_text);
    expect(last.get(2).text).toBe(golden.greedy_text);
  });

  it('scores its own output as it did when it generated it', async () => {
    const body = { input_ids: golden.prompt_ids, return_logprob: true };
    const generated = (await post('/generate', { ...body, top_logprobs_num: 1, sampling_params: greedy })).meta_info;
    const ids = [...golden.prompt_ids, ...golden.greedy_ids];
    const replay = (
      await post('/generate', {
        ...body,
        input_ids: ids,
        logprob_start_len: golden.prompt_ids.length,
        sampling_params: { max_new_tokens: 0 },
      })
    ).meta_info;
    expect(replay.finish_reason).toEqual({ type: 'length', length: 0 });
    expect(replay.output_token_logprobs).toEqual([]);
    expect(replay.input_token_logprobs).toHaveLength(golden.greedy_ids.length);
    for (const [index, [logprob, id]] of generated.output_token_logprobs.entries()) {
      expect(id).toBe(golden.greedy_ids[index]);
      expect(generated.output_top_logprobs[index][0][1]).toBe(id);
      expect(replay.input_token_logprobs[index][1]).toBe(id);
      // One token at a time or all at once: the same sums in f32, in another order at most.
      expect(replay.input_token_logprobs[index][0]).toBeCloseTo(logprob, 3);
    }
  });

  it('stops at a string and leaves it out', async () => {
    const sampling = { ...greedy, stop: ['ship'] };
    const output = await post('/generate', { text: golden.prompt, sampling_params: sampling });
    expect(output.text).toBe(' a long time, and the ');
    expect(output.meta_info.finish_reason).toEqual({ type: 'stop', matched: 'ship' });
  });

  it('samples the same with the same seed, and differently among n', async () => {
    const body = { prompt: golden.prompt, seed: 7, n: 2, max_tokens: 12, temperature: 1.5 };
    const [first, second] = await Promise.all([post('/v1/completions', body), post('/v1/completions', body)]);
    expect(first.choices.map(({ text }: { text: string }) => text)).toEqual(
      second.choices.map(({ text }: { text: string }) => text),
    );
    expect(first.choices[0].text).not.toBe(first.choices[1].text);
  });

  it('serves the OpenAI client, streaming', async () => {
    const stream = await client.completions.create({
      model: 'dense-awq',
      prompt: golden.prompt,
      temperature: 0,
      max_tokens: golden.greedy_ids.length,
      stream: true,
      stream_options: { include_usage: true },
    });
    let text = '';
    let usage: OpenAI.CompletionUsage | undefined | null;
    for await (const chunk of stream) {
      text += chunk.choices[0]?.text ?? '';
      usage = chunk.usage;
    }
    expect(text).toBe(golden.greedy_text);
    expect(usage).toMatchObject({ prompt_tokens: 7, completion_tokens: 32, total_tokens: 39 });
  });

  it('scores a prompt for evaluation harnesses', async () => {
    const { choices } = await client.completions.create({
      model: 'dense-awq',
      prompt: golden.prompt + golden.greedy_text,
      echo: true,
      logprobs: 1,
      max_tokens: 0,
    });
    const { tokens, token_logprobs: logprobs, top_logprobs: top } = choices[0]!.logprobs!;
    expect(choices[0]!.text).toBe(golden.prompt + golden.greedy_text);
    expect(tokens!.join('')).toBe(golden.prompt + golden.greedy_text);
    expect(logprobs![0]).toBeNull();
    // What was picked greedily is the likeliest.
    for (let index = golden.prompt_ids.length; index < tokens!.length; index++) {
      expect(Object.keys(top![index]!)).toEqual([tokens![index]]);
    }
  });

  it('refuses what the model cannot do', async () => {
    const chat = client.chat.completions.create({ model: 'dense-awq', messages: [{ role: 'user', content: 'hi' }] });
    await expect(chat).rejects.toThrow('400 the model has no chat template');
    const long = await send('/v1/completions', { prompt: new Array(1025).fill(5) });
    expect(long.status).toBe(400);
    expect((await long.json()) as object).toMatchObject({ error: { code: 'context_length_exceeded' } });
    const empty = await send('/generate', { text: '' });
    expect(empty.status).toBe(400);
    const bias = await send('/generate', { text: 'a', sampling_params: { logit_bias: { 5000: 1 } } });
    expect(bias.status).toBe(400);
  });

  it('stops and frees the cache when the client goes', async () => {
    const controller = new AbortController();
    const body = { text: golden.prompt, sampling_params: { max_new_tokens: 1000, ignore_eos: true } };
    const answer = fetch(`${server.url}/generate`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: controller.signal,
    });
    await expect.poll(() => model.status().running).toBe(1);
    controller.abort();
    await expect(answer).rejects.toThrow();
    await expect.poll(() => model.status().running, { timeout: 5000 }).toBe(0);
    expect(model.status().kvCache.used).toBe(0);
  });
});
