import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunningServer, startServer } from './start-server.ts';
import { createEchoModel } from './test-support/echo-model.ts';

const model = createEchoModel({ delay: 1 });
let server: RunningServer;
let client: OpenAI;

beforeAll(async () => {
  server = await startServer({ model, port: 0, apiKey: 'secret' });
  client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'secret', maxRetries: 0 });
});
afterAll(() => server.close());

const hi = [{ role: 'user' as const, content: 'hi' }];

describe('the official client', () => {
  it('lists and retrieves models', async () => {
    const ids: string[] = [];
    for await (const { id } of client.models.list()) ids.push(id);
    expect(ids).toEqual(['echo-4bit']);
    expect((await client.models.retrieve('echo-4bit')).owned_by).toBe('lowbit');
  });

  it('completes', async () => {
    const { choices, usage } = await client.completions.create({
      model: 'echo-4bit',
      prompt: ['ab', 'cd'],
      max_tokens: 2,
    });
    expect(choices.map(({ text, finish_reason: reason }) => [text, reason])).toEqual([
      ['ab', 'length'],
      ['cd', 'length'],
    ]);
    expect(usage).toEqual({ prompt_tokens: 6, completion_tokens: 4, total_tokens: 10 });
  });

  it('streams a completion', async () => {
    const stream = await client.completions.create({ model: 'echo-4bit', prompt: 'abc', stream: true });
    let text = '';
    for await (const { choices } of stream) text += choices[0]!.text;
    expect(text).toBe('abc');
  });

  it('chats', async () => {
    const { choices } = await client.chat.completions.create({
      model: 'echo-4bit',
      messages: hi,
      logprobs: true,
      top_logprobs: 2,
    });
    expect(choices[0]!.message.content).toBe('u:hi');
    const first = choices[0]!.logprobs!.content![0]!;
    expect(first).toMatchObject({ token: 'u', logprob: -0.5, bytes: [117] });
    expect(first.top_logprobs.map(({ token }) => token)).toEqual(['u', 'v']);
  });

  it('sends its own answers back as messages', async () => {
    const { choices } = await client.chat.completions.create({ model: 'echo-4bit', messages: hi });
    const messages = [...hi, choices[0]!.message];
    const again = await client.chat.completions.create({ model: 'echo-4bit', messages });
    expect(again.choices[0]!.message.content).toBe('u:hi|a:u:hi');
  });

  it('streams a chat with its usage', async () => {
    const stream = client.chat.completions.stream({
      model: 'echo-4bit',
      messages: hi,
      stream_options: { include_usage: true },
    });
    const deltas: string[] = [];
    stream.on('content', (delta) => deltas.push(delta));
    const { choices, usage } = await stream.finalChatCompletion();
    expect(choices[0]!.message).toMatchObject({ role: 'assistant', content: 'u:hi' });
    expect(choices[0]!.finish_reason).toBe('stop');
    expect(deltas.join('')).toBe('u:hi');
    expect(usage).toEqual({ prompt_tokens: 4, completion_tokens: 5, total_tokens: 9 });
  });

  it('knows the errors', async () => {
    const create = (body: object) => client.completions.create({ model: 'echo-4bit', prompt: 'a', ...body });
    await expect(create({ max_tokens: -1 })).rejects.toBeInstanceOf(OpenAI.BadRequestError);
    await expect(create({ max_tokens: -1 })).rejects.toMatchObject({
      status: 400,
      param: 'max_tokens',
      type: 'invalid_request_error',
    });
    await expect(create({ model: 'gpt' })).rejects.toBeInstanceOf(OpenAI.NotFoundError);
    await expect(create({ model: 'gpt' })).rejects.toMatchObject({ status: 404, code: 'model_not_found' });
    await expect(client.models.retrieve('gpt')).rejects.toBeInstanceOf(OpenAI.NotFoundError);
    const stranger = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'guess', maxRetries: 0 });
    await expect(stranger.models.list()).rejects.toBeInstanceOf(OpenAI.AuthenticationError);
  });

  it('stops what it started: a stream left early, a request aborted', async () => {
    const endless = { model: 'echo-4bit', messages: hi, max_tokens: 100_000, ignore_eos: true };
    const stream = await client.chat.completions.create({ ...endless, stream: true });
    for await (const _ of stream) break;
    await expect.poll(() => model.active).toBe(0);

    const controller = new AbortController();
    const answer = client.chat.completions.create(endless, { signal: controller.signal });
    await expect.poll(() => model.active).toBe(1);
    controller.abort();
    await expect(answer).rejects.toBeInstanceOf(OpenAI.APIUserAbortError);
    await expect.poll(() => model.active).toBe(0);
  });
});

describe('an error in midstream', () => {
  it('reaches the official client as an error', async () => {
    const failing = await startServer({ model: createEchoModel({ failure: new Error('x'), failAfter: 2 }), port: 0 });
    try {
      const other = new OpenAI({ baseURL: `${failing.url}/v1`, apiKey: 'none', maxRetries: 0 });
      const stream = await other.completions.create({ model: 'default', prompt: 'abc', stream: true });
      const texts: string[] = [];
      const read = async () => {
        for await (const { choices } of stream) texts.push(choices[0]!.text);
      };
      await expect(read()).rejects.toMatchObject({ message: 'internal server error' });
      expect(texts).toEqual(['a', 'b']);
    } finally {
      await failing.close();
    }
  });
});
