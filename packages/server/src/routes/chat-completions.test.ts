import { describe, expect, it } from 'vitest';
import { createTestServer, readEvents } from '../test-support/call.ts';
import { partialToken } from '../test-support/echo-model.ts';

const path = '/v1/chat/completions';
const hi = [{ role: 'user', content: 'hi' }];

describe('POST /v1/chat/completions', () => {
  it('answers in the OpenAI shape', async () => {
    const { post } = createTestServer();
    const { status, json } = await post(path, { model: 'echo-4bit', messages: hi });
    expect(status).toBe(200);
    expect(json).toEqual({
      id: expect.stringMatching(/^chatcmpl-[0-9a-f]{32}$/),
      object: 'chat.completion',
      created: expect.any(Number),
      model: 'echo-4bit',
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content: 'u:hi', refusal: null },
          logprobs: null,
          finish_reason: 'stop',
          matched_stop: 2,
        },
      ],
      usage: { prompt_tokens: 4, completion_tokens: 5, total_tokens: 9 },
    });
  });

  it('adds no special tokens to what the template writes, and fills the context by default', async () => {
    const { post, model } = createTestServer();
    await post(path, { messages: hi });
    expect(model.seen[0]!.prompt).toEqual([...'u:hi'].map((character) => character.charCodeAt(0)));
    expect(model.seen[0]!.sampling!.maxTokens).toBe(64 - 4);
  });

  it.each([
    [{ max_tokens: 2 }, 2],
    [{ max_completion_tokens: 3 }, 3],
    [{ max_completion_tokens: 3, max_tokens: 2 }, 3],
  ])('takes %j', async (limits, expected) => {
    const { post, model } = createTestServer();
    await post(path, { messages: hi, ...limits });
    expect(model.seen[0]!.sampling!.maxTokens).toBe(expected);
  });

  it('reads all roles, text parts, and its own answers', async () => {
    const { post } = createTestServer();
    const messages = [
      { role: 'system', content: 'a' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'b' },
          { type: 'text', text: 'c' },
        ],
      },
      { role: 'assistant', content: 'd', refusal: null, tool_calls: [] },
      { role: 'developer', content: 'e', name: 'x' },
    ];
    const { json } = await post(path, { messages });
    expect(json.choices[0].message.content).toBe('s:a|u:b\nc|a:d|d:e');
  });

  it('gives log probabilities with bytes', async () => {
    const { post } = createTestServer();
    const messages = [{ role: 'user', content: `é${String.fromCharCode(partialToken)}` }];
    const { json } = await post(path, { messages, logprobs: true, top_logprobs: 1, max_tokens: 4 });
    const { content, refusal } = json.choices[0].logprobs;
    expect(refusal).toBeNull();
    expect(content[2]).toEqual({
      token: 'é',
      logprob: -0.5,
      bytes: [0xc3, 0xa9],
      top_logprobs: [{ token: 'é', logprob: -0.5, bytes: [0xc3, 0xa9] }],
    });
    expect(content[3]).toMatchObject({ token: '\ufffd', bytes: null });
  });

  it('makes n choices', async () => {
    const { post } = createTestServer();
    const { json } = await post(path, { messages: hi, n: 3 });
    expect(json.choices.map((choice: { index: number }) => choice.index)).toEqual([0, 1, 2]);
    expect(json.usage).toEqual({ prompt_tokens: 4, completion_tokens: 15, total_tokens: 19 });
  });

  it('accepts fields that ask for nothing special', async () => {
    const { post } = createTestServer();
    const body = {
      messages: hi,
      tools: [],
      tool_choice: 'none',
      response_format: { type: 'text' },
      modalities: ['text'],
      parallel_tool_calls: true,
      user: 'me',
      store: false,
      logit_bias: null,
    };
    expect((await post(path, body)).status).toBe(200);
  });
});

describe('POST /v1/chat/completions, streamed', () => {
  it('sends the role, then text, then the end and the usage', async () => {
    const { post } = createTestServer();
    const { text } = await post(path, {
      messages: hi,
      stream: true,
      max_tokens: 2,
      stream_options: { include_usage: true },
    });
    const events = readEvents(text);
    expect(events.map((event) => event.choices[0]?.delta)).toEqual([
      { role: 'assistant', content: '' },
      { content: 'u' },
      { content: ':' },
      {},
      undefined,
    ]);
    expect(events.map((event) => event.choices[0]?.finish_reason)).toEqual([null, null, null, 'length', undefined]);
    expect(events[0].object).toBe('chat.completion.chunk');
    expect(events.at(-1)).toMatchObject({
      choices: [],
      usage: { prompt_tokens: 4, completion_tokens: 2, total_tokens: 6 },
    });
  });

  it('sends log probabilities with the text', async () => {
    const { post } = createTestServer();
    const { text } = await post(path, { messages: hi, stream: true, logprobs: true, max_tokens: 1 });
    const logprobs = readEvents(text).map((event) => event.choices[0].logprobs);
    expect(logprobs).toEqual([
      null,
      { content: [{ token: 'u', logprob: -0.5, bytes: [117], top_logprobs: [] }], refusal: null },
      null,
    ]);
  });
});

describe('errors of /v1/chat/completions', () => {
  const image = { type: 'image_url', image_url: { url: 'data:' } };
  const cases: readonly (readonly [body: object, param: string | null, message: string])[] = [
    [{}, 'messages', 'messages: expected array, received undefined'],
    [{ messages: [] }, 'messages', 'messages: too small: expected array to have >=1 items, found []'],
    [{ messages: 'hi' }, 'messages', 'messages: expected array, received string'],
    [{ messages: ['hi'] }, 'messages[0]', 'messages[0]: expected record, received string'],
    [
      { messages: [{ role: 'king', content: 'a' }] },
      'messages[0].role',
      'messages[0].role: expected one of system, developer, user, assistant, found "king"',
    ],
    [
      { messages: [{ role: 'user' }] },
      'messages[0].content',
      'messages[0].content: expected text, or a list of parts that have a type, found nothing',
    ],
    [
      { messages: [...hi, { role: 'user', content: [{ type: 'text', text: 'a' }, image] }] },
      'messages[1].content[1].type',
      'messages[1].content[1].type: only text parts are supported, found "image_url"',
    ],
    [
      { messages: [{ role: 'user', content: [{ type: 'text' }] }] },
      'messages[0].content[0].text',
      'messages[0].content[0].text: expected text',
    ],
    [
      { messages: [{ role: 'assistant', content: 'a', tool_calls: [{}] }] },
      'messages[0].tool_calls',
      'messages[0].tool_calls: tools are not supported',
    ],
    [{ messages: hi, tools: [{ type: 'function' }] }, 'tools', 'tools: tools are not supported'],
    [{ messages: hi, tool_choice: 'required' }, 'tool_choice', 'tool_choice: tools are not supported'],
    [
      { messages: hi, response_format: { type: 'json_object' } },
      'response_format',
      'response_format: only {"type": "text"} is supported',
    ],
    [{ messages: hi, max_tokens: 0 }, 'max_tokens', 'max_tokens: too small: expected number to be >=1, found 0'],
    [{ messages: hi, top_logprobs: 2 }, 'top_logprobs', 'top_logprobs: only allowed with logprobs: true'],
    [{ messages: hi, logprobs: 5 }, 'logprobs', 'logprobs: expected boolean, received number'],
    [
      { messages: hi, min_tokens: 5, max_tokens: 2 },
      'min_tokens',
      'min_tokens: expected at most max_tokens (2), found 5',
    ],
    [{ prompt: 'hi' }, 'prompt', 'prompt: not a field of chat completions; use messages, or POST /v1/completions'],
  ];
  it.each(cases)('%j', async (body, param, message) => {
    const { post } = createTestServer();
    const { status, json } = await post(path, body);
    expect(status).toBe(400);
    expect(json).toEqual({ error: { message, type: 'invalid_request_error', param, code: null } });
  });

  it('a model without chat template', async () => {
    const { post } = createTestServer({ chatTemplate: false });
    const { status, json } = await post(path, { messages: hi });
    expect(status).toBe(400);
    expect(json.error).toEqual({
      message:
        'the model has no chat template, so that messages cannot be written as a prompt\n' +
        'Use /v1/completions, or give the server a chat template.',
      type: 'invalid_request_error',
      param: 'messages',
      code: null,
    });
  });

  it('a conversation that is too long', async () => {
    const { post } = createTestServer();
    const { status, json } = await post(path, { messages: [{ role: 'user', content: 'x'.repeat(70) }], stream: true });
    expect(status).toBe(400);
    expect(json.error.code).toBe('context_length_exceeded');
  });
});
