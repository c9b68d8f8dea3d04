import { describe, expect, it } from 'vitest';
import { createTestServer, readEvents } from '../test-support/call.ts';

const path = '/v1/completions';

describe('POST /v1/completions', () => {
  it('answers in the OpenAI shape', async () => {
    const { post, model } = createTestServer();
    const { status, json } = await post(path, { model: 'echo-4bit', prompt: 'hi' });
    expect(status).toBe(200);
    expect(json).toEqual({
      id: expect.stringMatching(/^cmpl-[0-9a-f]{32}$/),
      object: 'text_completion',
      created: expect.any(Number),
      model: 'echo-4bit',
      choices: [{ index: 0, text: 'hi', logprobs: null, finish_reason: 'stop', matched_stop: 2 }],
      usage: { prompt_tokens: 3, completion_tokens: 3, total_tokens: 6 },
    });
    expect(model.seen[0]!.sampling!.maxTokens).toBe(16);
  });

  it('hands every sampling parameter to the model', async () => {
    const { post, model } = createTestServer();
    await post(path, {
      prompt: 'abc',
      max_tokens: 9,
      min_tokens: 1,
      temperature: 0.5,
      top_p: 0.9,
      top_k: 4,
      min_p: 0.1,
      presence_penalty: 1,
      frequency_penalty: -1,
      repetition_penalty: 1.2,
      logit_bias: { 7: -100 },
      seed: 3,
      stop: ['x', 'y'],
      stop_token_ids: [9],
      ignore_eos: true,
      skip_special_tokens: false,
      no_stop_trim: true,
      user: 'someone',
    });
    expect(model.seen[0]!.sampling).toEqual({
      maxTokens: 9,
      minTokens: 1,
      temperature: 0.5,
      topP: 0.9,
      topK: 4,
      minP: 0.1,
      presencePenalty: 1,
      frequencyPenalty: -1,
      repetitionPenalty: 1.2,
      logitBias: { '7': -100 },
      seed: 3,
      stop: ['x', 'y'],
      stopTokenIds: [9],
      ignoreEos: true,
      skipSpecialTokens: false,
      keepStop: true,
    });
  });

  it.each([
    ['text', 'ab', ['ab']],
    ['texts', ['ab', 'c'], ['ab', 'c']],
    ['token ids', [97, 98], ['ab']],
    ['lists of token ids', [[97, 98], [99]], ['ab', 'c']],
  ])('takes a prompt as %s', async (_, prompt, texts) => {
    const { post } = createTestServer();
    const { json } = await post(path, { prompt });
    expect(json.choices.map((choice: { text: string }) => choice.text)).toEqual(texts);
    expect(json.choices.map((choice: { index: number }) => choice.index)).toEqual(texts.map((_text, index) => index));
  });

  it('counts a prompt once however many continuations it has', async () => {
    const { post, model } = createTestServer();
    const { json } = await post(path, { prompt: ['ab', 'cde'], n: 3, best_of: 3, seed: 5, max_tokens: 2 });
    expect(json.choices.map((choice: { text: string }) => choice.text)).toEqual(['ab', 'ab', 'ab', 'cd', 'cd', 'cd']);
    expect(json.usage).toEqual({ prompt_tokens: 3 + 4, completion_tokens: 12, total_tokens: 19 });
    expect(model.seen.map((request) => request.sampling!.seed)).toEqual([5, 6, 7, 5, 6, 7]);
  });

  it('says what stopped it, and cuts it off', async () => {
    const { post } = createTestServer();
    const { json } = await post(path, { prompt: 'abcd', stop: 'c' });
    expect(json.choices[0]).toMatchObject({ text: 'ab', finish_reason: 'stop', matched_stop: 'c' });
    const kept = await post(path, { prompt: 'abcd', stop: 'c', no_stop_trim: true });
    expect(kept.json.choices[0].text).toBe('abc');
  });

  it('gives log probabilities', async () => {
    const { post } = createTestServer();
    const { json } = await post(path, { prompt: 'abc', logprobs: 2, max_tokens: 2 });
    expect(json.choices[0].logprobs).toEqual({
      tokens: ['a', 'b'],
      token_logprobs: [-0.5, -0.5],
      top_logprobs: [
        { a: -0.5, b: -1.5 },
        { b: -0.5, c: -1.5 },
      ],
      text_offset: [0, 1],
    });
  });

  it('gives no alternatives for logprobs 0', async () => {
    const { post } = createTestServer();
    const { json } = await post(path, { prompt: 'a', logprobs: 0, max_tokens: 1 });
    expect(json.choices[0].logprobs).toMatchObject({ token_logprobs: [-0.5], top_logprobs: [null] });
  });

  it('scores a prompt: echo, log probabilities, nothing generated', async () => {
    const { post } = createTestServer();
    const { json } = await post(path, { prompt: 'ab', echo: true, logprobs: 1, max_tokens: 0 });
    expect(json.choices[0]).toEqual({
      index: 0,
      text: 'ab',
      logprobs: {
        tokens: ['<s>', 'a', 'b'],
        token_logprobs: [null, -0.5, -0.5],
        top_logprobs: [null, { a: -0.5 }, { b: -0.5 }],
        text_offset: [0, 3, 4],
      },
      finish_reason: 'length',
      matched_stop: null,
    });
  });

  it('echoes token ids as text', async () => {
    const { post } = createTestServer();
    const { json } = await post(path, { prompt: [97, 98], echo: true });
    expect(json.choices[0].text).toBe('abab');
  });

  it('takes the name default, or none', async () => {
    const { post } = createTestServer();
    expect((await post(path, { model: 'default', prompt: 'a' })).json.model).toBe('echo-4bit');
  });

  it('uses a rid as id', async () => {
    const { post } = createTestServer();
    expect((await post(path, { rid: 'mine', prompt: 'a' })).json.id).toBe('mine');
  });
});

describe('POST /v1/completions, streamed', () => {
  it('sends what is new, and the usage last', async () => {
    const { post } = createTestServer();
    const { text } = await post(path, {
      prompt: 'ab',
      stream: true,
      stream_options: { include_usage: true },
      logprobs: 0,
    });
    const events = readEvents(text);
    expect(events.map((event) => event.choices[0]?.text)).toEqual(['a', 'b', '', undefined]);
    expect(events.map((event) => event.choices[0]?.finish_reason)).toEqual([null, null, 'stop', undefined]);
    expect(events.map((event) => event.choices[0]?.logprobs.text_offset)).toEqual([[0], [1], [2], undefined]);
    expect(events.map((event) => event.usage)).toEqual([
      null,
      null,
      null,
      { prompt_tokens: 3, completion_tokens: 3, total_tokens: 6 },
    ]);
    expect(new Set(events.map((event) => event.id)).size).toBe(1);
    expect(events[3].choices).toEqual([]);
  });

  it('sends no usage unless asked', async () => {
    const { post } = createTestServer();
    const events = readEvents((await post(path, { prompt: 'ab', stream: true })).text);
    expect(events).toHaveLength(3);
    expect(events[0]).not.toHaveProperty('usage');
  });

  it('echoes the prompt once per choice', async () => {
    const { post } = createTestServer();
    const { text } = await post(path, { prompt: ['ab', 'cd'], n: 2, echo: true, stream: true });
    const texts = ['', '', '', ''];
    for (const { choices } of readEvents(text)) texts[choices[0].index] += choices[0].text;
    expect(texts).toEqual(['abab', 'abab', 'cdcd', 'cdcd']);
  });

  it('reports an error in midstream as an event, without its secrets', async () => {
    const { post } = createTestServer({ failure: new Error('secret'), failAfter: 1 });
    const events = readEvents((await post(path, { prompt: 'ab', stream: true })).text);
    const error = { message: 'internal server error', type: 'server_error', param: null, code: null };
    expect(events.slice(1)).toEqual([{ error }]);
  });
});

describe('errors of /v1/completions', () => {
  const cases: readonly (readonly [body: object, param: string | null, message: string | RegExp])[] = [
    [{}, 'prompt', /^prompt: expected text, a list of texts, .*, found nothing$/],
    [{ prompt: [] }, 'prompt', /^prompt: /],
    [{ prompt: [[]] }, 'prompt[0]', 'prompt[0]: too small: expected array to have >=1 items, found []'],
    [{ prompt: ['a', 5] }, 'prompt', /^prompt: expected text, a list of texts, .*, found \["a",5\]$/],
    [{ prompt: [999] }, 'prompt', 'prompt: expected token ids below 256 (the vocabulary), found 999 at position 0'],
    [{ prompt: 'a', max_tokens: -1 }, 'max_tokens', 'max_tokens: too small: expected number to be >=0, found -1'],
    [{ prompt: 'a', max_tokens: '5' }, 'max_tokens', 'max_tokens: expected number, received string'],
    [{ prompt: 'a', max_tokens: 1.5 }, 'max_tokens', 'max_tokens: expected int, received number'],
    [{ prompt: 'a', min_tokens: 17 }, 'min_tokens', 'min_tokens: expected at most max_tokens (16), found 17'],
    [{ prompt: 'a', logprobs: 21 }, 'logprobs', 'logprobs: too big: expected number to be <=20, found 21'],
    [{ prompt: 'a', suffix: 'z' }, 'suffix', 'suffix: text cannot be inserted before a suffix; leave it out'],
    [{ prompt: 'a', best_of: 2 }, 'best_of', 'best_of: only the value of n (1) is supported, found 2'],
    [{ prompt: 'a', stream_options: {} }, 'stream_options', 'stream_options: only allowed with stream: true'],
    [
      { prompt: 'a', stream: true, stream_options: { x: 1 } },
      'stream_options',
      /^stream_options: unrecognized key: "x"/,
    ],
    [{ prompt: 'a', n: 129 }, 'n', 'n: too big: expected number to be <=128, found 129'],
    [{ prompt: 'a', temperatur: 1 }, 'temperatur', 'temperatur: no such field; did you mean temperature?'],
    [
      { prompt: 'a', response_format: { type: 'json_object' } },
      'response_format',
      /^response_format: constrained output/,
    ],
    [{ prompt: 'a', messages: [{}] }, 'messages', 'messages: not a field of completions; POST /v1/chat/completions'],
  ];
  it.each(cases)('%j', async (body, param, message) => {
    const { post } = createTestServer();
    const { status, json } = await post(path, body);
    expect(status).toBe(400);
    const text = typeof message === 'string' ? message : expect.stringMatching(message);
    expect(json).toEqual({ error: { message: text, type: 'invalid_request_error', param, code: null } });
  });

  it('a prompt that is too long', async () => {
    const { post } = createTestServer();
    const { status, json } = await post(path, { prompt: 'x'.repeat(64) });
    expect(status).toBe(400);
    expect(json.error).toEqual({
      message: 'the prompt has 65 tokens, the context 64',
      type: 'invalid_request_error',
      param: null,
      code: 'context_length_exceeded',
    });
  });

  it('another model', async () => {
    const { post } = createTestServer();
    const { status, json } = await post(path, { model: 'gpt', prompt: 'a' });
    expect(status).toBe(404);
    expect(json.error.code).toBe('model_not_found');
  });

  it('a model without tokenizer', async () => {
    const { post } = createTestServer({ tokenizer: false });
    const { status, json } = await post(path, { prompt: 'a' });
    expect(status).toBe(400);
    expect(json.error.message).toMatch(
      /^\/v1\/completions needs a tokenizer, and the model's folder has no tokenizer.json\n/,
    );
  });
});
