import { LowbitError } from '@lowbit/core';
import { describe, expect, it } from 'vitest';
import { createTestServer, readEvents } from '../test-support/call.ts';

describe('POST /generate', () => {
  it('answers text with text, token ids and meta info', async () => {
    const { post } = createTestServer();
    const { status, json } = await post('/generate', { text: 'hello', sampling_params: { max_new_tokens: 3 } });
    expect(status).toBe(200);
    expect(json).toEqual({
      text: 'hel',
      output_ids: [104, 101, 108],
      meta_info: {
        id: expect.stringMatching(/^[0-9a-f]{32}$/),
        finish_reason: { type: 'length', length: 3 },
        prompt_tokens: 6,
        completion_tokens: 3,
        cached_tokens: 0,
        e2e_latency: expect.any(Number),
      },
    });
    expect(json.meta_info.e2e_latency).toBeGreaterThan(0);
    expect(json.meta_info.e2e_latency).toBeLessThan(10);
  });

  it('takes token ids as they are, also with PUT', async () => {
    const { request, model } = createTestServer();
    const { json } = await request('/generate', {
      method: 'PUT',
      headers: { 'content-type': 'application/json; charset=utf-8' },
      body: JSON.stringify({ input_ids: [104, 105] }),
    });
    expect(json.text).toBe('hi');
    expect(json.meta_info.finish_reason).toEqual({ type: 'stop', matched: 2 });
    expect(model.seen[0]!.prompt).toEqual([104, 105]);
  });

  it('hands every sampling parameter to the model', async () => {
    const { post, model } = createTestServer();
    await post('/generate', {
      text: 'abc',
      sampling_params: {
        max_new_tokens: 9,
        min_new_tokens: 2,
        temperature: 0.7,
        top_p: 0.9,
        top_k: 40,
        min_p: 0.05,
        frequency_penalty: 0.1,
        presence_penalty: -0.2,
        repetition_penalty: 1.1,
        stop: 'x',
        stop_token_ids: [5, null, 7],
        ignore_eos: true,
        skip_special_tokens: false,
        no_stop_trim: true,
        logit_bias: { 12: 1.5 },
        sampling_seed: 42,
        n: 1,
      },
    });
    expect(model.seen[0]!.sampling).toEqual({
      maxTokens: 9,
      minTokens: 2,
      temperature: 0.7,
      topP: 0.9,
      topK: 40,
      minP: 0.05,
      frequencyPenalty: 0.1,
      presencePenalty: -0.2,
      repetitionPenalty: 1.1,
      stop: ['x'],
      stopTokenIds: [5, 7],
      ignoreEos: true,
      skipSpecialTokens: false,
      keepStop: true,
      logitBias: { '12': 1.5 },
      seed: 42,
    });
  });

  it('takes an explicit null for the default', async () => {
    const { post, model } = createTestServer();
    const { status } = await post('/generate', {
      text: 'abc',
      input_ids: null,
      lora_path: null,
      image_data: null,
      rid: null,
      sampling_params: { temperature: null, stop: null, json_schema: null, max_new_tokens: null },
    });
    expect(status).toBe(200);
    expect(Object.values(model.seen[0]!.sampling!).filter((value) => value !== undefined)).toEqual([]);
  });

  it('answers a list with a list, in order, with parameters for each', async () => {
    const { post } = createTestServer();
    const { json } = await post('/generate', {
      text: ['hello', 'world'],
      sampling_params: [{ max_new_tokens: 1 }, { max_new_tokens: 2 }],
      rid: ['first', 'second'],
      return_logprob: [false, true],
    });
    expect(json.map((output: { text: string }) => output.text)).toEqual(['h', 'wo']);
    expect(json.map((output: { meta_info: { id: string } }) => output.meta_info.id)).toEqual(['first', 'second']);
    expect(json[0].meta_info).not.toHaveProperty('output_token_logprobs');
    expect(json[1].meta_info.output_token_logprobs).toHaveLength(2);
  });

  it('answers a list of one with a list', async () => {
    const { post } = createTestServer();
    const { json } = await post('/generate', { input_ids: [[104]] });
    expect(json).toHaveLength(1);
  });

  it('makes n continuations of each prompt, each with a seed of its own', async () => {
    const { post, model } = createTestServer();
    const { json } = await post('/generate', {
      text: ['ab', 'cd'],
      rid: 'job',
      sampling_params: { n: 2, sampling_seed: 10 },
    });
    expect(json.map((output: { text: string }) => output.text)).toEqual(['ab', 'ab', 'cd', 'cd']);
    const ids = json.map((output: { meta_info: { id: string } }) => output.meta_info.id);
    expect(ids).toEqual(['job_0', 'job_1', 'job_2', 'job_3']);
    expect(model.seen.map((request) => request.sampling!.seed)).toEqual([10, 11, 10, 11]);
  });

  it('reports log probabilities as triples', async () => {
    const { post } = createTestServer();
    const { json } = await post('/generate', {
      text: 'hi',
      return_logprob: true,
      logprob_start_len: 0,
      top_logprobs_num: 2,
      return_text_in_logprobs: true,
      sampling_params: { max_new_tokens: 1 },
    });
    expect(json.meta_info).toMatchObject({
      input_token_logprobs: [
        [null, 1, '<s>'],
        [-0.5, 104, 'h'],
        [-0.5, 105, 'i'],
      ],
      output_token_logprobs: [[-0.5, 104, 'h']],
      input_top_logprobs: [
        null,
        [
          [-0.5, 104, 'h'],
          [-1.5, 105, 'i'],
        ],
        [
          [-0.5, 105, 'i'],
          [-1.5, 106, 'j'],
        ],
      ],
      output_top_logprobs: [
        [
          [-0.5, 104, 'h'],
          [-1.5, 105, 'i'],
        ],
      ],
    });
  });

  it('reports log probabilities of output tokens alone, without text, unless asked for more', async () => {
    const { post } = createTestServer();
    const body = { text: 'hi', return_logprob: true, sampling_params: { max_new_tokens: 2 } };
    const { meta_info: info } = (await post('/generate', body)).json;
    expect(info.input_token_logprobs).toEqual([]);
    expect(info.output_token_logprobs).toEqual([
      [-0.5, 104, null],
      [-0.5, 105, null],
    ]);
    expect(info).not.toHaveProperty('output_top_logprobs');
  });

  it('leaves text out where the model has no tokenizer', async () => {
    const { post } = createTestServer({ tokenizer: false });
    const { json } = await post('/generate', { input_ids: [104, 105] });
    expect(json).not.toHaveProperty('text');
    expect(json.output_ids).toEqual([104, 105, 2]);
  });
});

describe('POST /generate, streamed', () => {
  it('repeats everything so far in every event', async () => {
    const { post } = createTestServer();
    const { headers, text } = await post('/generate', {
      text: 'abc',
      stream: true,
      return_logprob: true,
      sampling_params: { max_new_tokens: 2 },
    });
    expect(headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    const events = readEvents(text);
    expect(events.map((event) => event.text)).toEqual(['a', 'ab', 'ab']);
    expect(events.map((event) => event.output_ids)).toEqual([[97], [97, 98], [97, 98]]);
    expect(events.map((event) => event.meta_info.output_token_logprobs.length)).toEqual([1, 2, 2]);
    expect(events.map((event) => event.meta_info.finish_reason)).toEqual([null, null, { type: 'length', length: 2 }]);
    expect(events[0].meta_info).not.toHaveProperty('e2e_latency');
    expect(events[2].meta_info).toHaveProperty('e2e_latency');
    expect(events[0]).not.toHaveProperty('index');
  });

  it('says which item of a list an event belongs to', async () => {
    const { post } = createTestServer();
    const { text } = await post('/generate', { text: ['ab', 'xyz'], stream: true });
    const last = new Map(readEvents(text).map((event) => [event.index, event.text]));
    expect(Object.fromEntries(last)).toEqual({ 0: 'ab', 1: 'xyz' });
  });

  it('answers an error before the first token with a status', async () => {
    const { post, model } = createTestServer();
    const { status, json } = await post('/generate', { text: 'x'.repeat(100), stream: true });
    expect(status).toBe(400);
    expect(json).toEqual({ error: { message: 'the prompt has 101 tokens, the context 64' } });
    expect(model.active).toBe(0);
  });

  it('reports an error in midstream as an event', async () => {
    const failure = new LowbitError({ code: 'DEVICE_LOST', message: 'the device is gone' });
    const { post } = createTestServer({ failure, failAfter: 1 });
    const { status, text } = await post('/generate', { text: 'abc', stream: true });
    expect(status).toBe(200);
    expect(readEvents(text).slice(1)).toEqual([{ error: { message: 'the device is gone' } }]);
  });
});

describe('errors of /generate', () => {
  const cases: readonly (readonly [body: object, message: string | RegExp])[] = [
    [{}, 'text or input_ids: one of them is needed'],
    [{ text: 'a', input_ids: [5] }, 'text and input_ids: give one of them, not both'],
    [{ text: 5 }, 'text: expected text or a list of texts, found 5'],
    [{ text: [] }, 'text: too small: expected array to have >=1 items, found []'],
    [{ input_ids: [] }, /^input_ids: expected a list of token ids, or .*, found \[\]$/],
    [{ input_ids: [1, 'a'] }, /^input_ids: expected a list of token ids, or .*, found \[1,"a"\]$/],
    [{ input_ids: [1.5] }, /^input_ids: expected a list of token ids/],
    [{ input_ids: [-1] }, 'input_ids[0]: too small: expected number to be >=0, found -1'],
    [{ input_ids: [1, 256] }, 'input_ids: expected token ids below 256 (the vocabulary), found 256 at position 1'],
    [{ text: 'a', stream: 'yes' }, 'stream: expected boolean, received string'],
    [{ text: 'a', ignore_eos: true }, 'ignore_eos: not a field of the request itself; put it inside sampling_params'],
    [{ text: 'a', max_new_tokens: 5 }, /^max_new_tokens: not a field of the request itself/],
    [{ text: 'a', samplingParams: {} }, 'samplingParams: no such field; did you mean sampling_params?'],
    [{ text: 'a', return_logprobs: true }, 'return_logprobs: no such field; did you mean return_logprob?'],
    [{ prompt: 'a' }, 'prompt: not a field of /generate; use text or input_ids, or POST /v1/completions'],
    [{ text: 'a', image_data: 'data:' }, 'image_data: images, video and audio are not supported'],
    [{ text: 'a', lora_path: 'x' }, 'lora_path: LoRA adapters are not supported'],
    [{ input_embeds: [[0.5]] }, 'input_embeds: prompts as embeddings are not supported'],
    [{ text: 'a', token_ids_logprob: [1] }, /^token_ids_logprob: log probabilities of chosen tokens are not supported/],
    [{ text: 'a', top_logprobs_num: 1025 }, 'top_logprobs_num: too big: expected number to be <=1024, found 1025'],
    [{ text: 'a', rid: ['x'] }, 'rid: expected a single value for a single prompt, found a list of 1'],
    [{ text: ['a', 'b'], rid: ['x'] }, 'rid: expected one entry per prompt (2), found a list of 1'],
    [{ text: ['a', 'b'], rid: ['x', 'x'] }, /^rid: "x" is in use by another request/],
    [
      { text: ['a'], sampling_params: [{}, {}] },
      /^sampling_params: expected one entry per prompt \(1\), found a list of 2$/,
    ],
    [
      { text: ['a', 'b'], sampling_params: [{ n: 1 }, { n: 2 }] },
      'sampling_params: n must be the same for all prompts',
    ],
    [
      { input_ids: new Array(9).fill([5]), sampling_params: { n: 128 } },
      /^expected at most 1024 continuations .* found 1152/,
    ],
  ];
  it.each(cases)('%j', async (body, message) => {
    const { post } = createTestServer();
    const { status, json } = await post('/generate', body);
    expect(status).toBe(400);
    expect(json).toEqual({
      error: { message: typeof message === 'string' ? message : expect.stringMatching(message) },
    });
  });

  const sampling: readonly (readonly [params: object, message: string])[] = [
    [{ temperature: -1 }, 'sampling_params.temperature: too small: expected number to be >=0, found -1'],
    [{ temperature: 'hot' }, 'sampling_params.temperature: expected number, received string'],
    [{ top_p: 0 }, 'sampling_params.top_p: too small: expected number to be >0, found 0'],
    [{ top_p: 1.5 }, 'sampling_params.top_p: too big: expected number to be <=1, found 1.5'],
    [{ top_k: 0 }, 'sampling_params.top_k: expected -1 (all) or at least 1, found 0'],
    [{ min_p: 2 }, 'sampling_params.min_p: too big: expected number to be <=1, found 2'],
    [{ presence_penalty: 3 }, 'sampling_params.presence_penalty: too big: expected number to be <=2, found 3'],
    [{ repetition_penalty: 0 }, 'sampling_params.repetition_penalty: too small: expected number to be >0, found 0'],
    [{ max_new_tokens: -1 }, 'sampling_params.max_new_tokens: too small: expected number to be >=0, found -1'],
    [
      { max_new_tokens: 4, min_new_tokens: 5 },
      'sampling_params.min_new_tokens: expected at most max_new_tokens (4), found 5',
    ],
    [{ stop: [''] }, 'sampling_params.stop[0]: too small: expected string to have >=1 characters, found ""'],
    [{ n: 0 }, 'sampling_params.n: too small: expected number to be >=1, found 0'],
    [{ logit_bias: { x: 1 } }, 'sampling_params.logit_bias.x: expected a token id, found "x"'],
    [{ temprature: 1 }, 'sampling_params.temprature: no such field; did you mean temperature?'],
    [{ max_tokens: 1 }, 'sampling_params.max_tokens: no such field; it is max_new_tokens here'],
    [
      { json_schema: '{}' },
      'sampling_params.json_schema: constrained output is not supported; leave it out and check the text yourself',
    ],
    [
      { regex: 'a' },
      'sampling_params.regex: constrained output is not supported; leave it out and check the text yourself',
    ],
    [{ stop_regex: 'a' }, 'sampling_params.stop_regex: only fixed stop strings are supported; use stop'],
    [{ beam_width: 4 }, 'sampling_params.beam_width: beam search is not supported'],
  ];
  it.each(sampling)('sampling_params %j', async (params, message) => {
    const { post } = createTestServer();
    const { status, json } = await post('/generate', { text: 'a', sampling_params: params });
    expect(status).toBe(400);
    expect(json).toEqual({ error: { message } });
  });

  it('names the item of a list of parameters', async () => {
    const { post } = createTestServer();
    const { json } = await post('/generate', { text: ['a', 'b'], sampling_params: [{}, { top_p: 2 }] });
    expect(json.error.message).toBe('sampling_params[1].top_p: too big: expected number to be <=1, found 2');
  });

  it('lists the known fields where a sampling parameter resembles none', async () => {
    const { post } = createTestServer();
    const { json } = await post('/generate', { text: 'a', sampling_params: { dry_multiplier: 1 } });
    expect(json.error.message).toMatch(
      /^sampling_params\.dry_multiplier: no such field; known fields: max_new_tokens, /,
    );
  });

  it('accepts refused fields that are switched off', async () => {
    const { post } = createTestServer();
    const body = {
      text: 'a',
      return_hidden_states: false,
      image_data: [],
      sampling_params: { beam_width: 1, regex: '' },
    };
    expect((await post('/generate', body)).status).toBe(200);
  });

  it('passes over other unknown fields and says so in the log', async () => {
    const warnings: unknown[] = [];
    const logger = { info() {}, error() {}, warn: (fields: object) => warnings.push(fields) };
    const { post } = createTestServer({}, { logger });
    expect((await post('/generate', { text: 'a', something_new: 1, priority: 3 })).status).toBe(200);
    expect(warnings).toEqual([{ path: '/generate', fields: ['something_new'] }]);
  });

  it('stops the other items when one fails', async () => {
    const { post, model } = createTestServer();
    const { status } = await post('/generate', { text: ['ab', 'x'.repeat(100)] });
    expect(status).toBe(400);
    expect(model.active).toBe(0);
  });

  it('keeps the message of an unexpected error to itself', async () => {
    const logged: unknown[] = [];
    const logger = { info() {}, warn() {}, error: (fields: object) => logged.push(fields) };
    const failure = new Error('secret path /etc');
    const { post } = createTestServer({ failure }, { logger });
    const { status, json } = await post('/generate', { text: 'a' });
    expect(status).toBe(500);
    expect(json).toEqual({ error: { message: 'internal server error' } });
    expect(logged).toEqual([{ err: failure, path: '/generate' }]);
  });
});
