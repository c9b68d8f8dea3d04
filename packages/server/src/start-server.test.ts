import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { type RunningServer, type StartServerOptions, startServer } from './start-server.ts';
import { readEvents } from './test-support/call.ts';
import { createEchoModel, type EchoOptions } from './test-support/echo-model.ts';

const running: RunningServer[] = [];
afterEach(async () => {
  for (const server of running.splice(0)) await server.close();
});

async function start(echo: EchoOptions = {}, options: Partial<StartServerOptions> = {}) {
  const model = createEchoModel(echo);
  const server = await startServer({ model, port: 0, ...options });
  running.push(server);
  const post = (path: string, body: unknown, signal?: AbortSignal) =>
    fetch(server.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      ...(signal && { signal }),
    });
  return { model, server, post };
}

/** Generates until somebody stops it. */
const endless = { text: 'endless', sampling_params: { ignore_eos: true, max_new_tokens: 100_000 } };
const endlessChat = { messages: [{ role: 'user', content: 'a' }], ignore_eos: true, max_tokens: 100_000 };

describe('startServer', () => {
  it('listens on this machine and says where', async () => {
    const { server } = await start();
    expect(server.url).toBe(`http://127.0.0.1:${server.port}`);
    expect((await fetch(`${server.url}/health`)).status).toBe(200);
  });

  it('writes an IPv6 address as a URL wants it', async () => {
    const { server } = await start({}, { host: '::1' }).catch(() => ({ server: undefined }));
    if (!server) return console.warn('no IPv6 loopback on this machine: not checked');
    expect((await fetch(`${server.url}/health`)).status).toBe(200);
  });

  it('leaves the global Request and Response alone', async () => {
    const before = [globalThis.Request, globalThis.Response];
    await start();
    expect([globalThis.Request, globalThis.Response]).toEqual(before);
  });

  it('says which address is taken', async () => {
    const { server } = await start();
    const second = startServer({ model: createEchoModel(), port: server.port });
    await expect(second).rejects.toMatchObject({
      code: 'LISTEN',
      message:
        `cannot listen on 127.0.0.1:${server.port}: listen EADDRINUSE: address already in use 127.0.0.1:${server.port}\n` +
        'Choose another port, or 0 for a free one.',
    });
  });

  it('answers requests at the same time', async () => {
    const { model, post } = await start({ delay: 20 });
    const answers = ['ab', 'cd', 'ef'].map(async (text) => readJson(await post('/generate', { text })));
    await expect.poll(() => model.active).toBe(3);
    expect((await Promise.all(answers)).map(({ text }) => text)).toEqual(['ab', 'cd', 'ef']);
  });

  it('sends tokens as they come', async () => {
    const { post } = await start({ delay: 30 });
    const response = await post('/generate', { text: 'abc', stream: true });
    const arrivals: string[] = [];
    for await (const bytes of response.body!) arrivals.push(Buffer.from(bytes).toString());
    expect(arrivals.length).toBeGreaterThan(2);
    expect(readEvents(arrivals.join('')).at(-1).text).toBe('abc');
  });

  it('refuses a chunked body that grows too large, and goes on', async () => {
    const { server, post } = await start({}, { maxBodyBytes: 1000 });
    const answer = await sendRaw(server.port, [
      'POST /generate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n',
      `${(2000).toString(16)}\r\n${'x'.repeat(2000)}\r\n`,
    ]);
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    expect(answer).toContain('{"error":{"message":"the body is larger than 1000 bytes"}}');
    expect((await post('/generate', { text: 'a' })).status).toBe(200);
  });

  it('refuses a body that is declared too large before it comes', async () => {
    const { server } = await start({}, { maxBodyBytes: 1000 });
    const answer = await sendRaw(server.port, [
      'POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 5000000\r\n\r\n',
    ]);
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
  });
});

describe('a client that goes away', () => {
  it.each([
    ['/generate', endless],
    ['/generate', { ...endless, stream: true }],
    ['/generate', { text: ['a', 'b'], sampling_params: endless.sampling_params, stream: true }],
    ['/v1/completions', { prompt: 'a', ignore_eos: true, max_tokens: 100_000 }],
    ['/v1/completions', { prompt: 'a', ignore_eos: true, max_tokens: 100_000, stream: true }],
    ['/v1/chat/completions', endlessChat],
    ['/v1/chat/completions', { ...endlessChat, stream: true }],
  ])('stops its generation: %s %j', async (path, body) => {
    const { model, post, server } = await start({ delay: 2 });
    const controller = new AbortController();
    const answer = post(path, body, controller.signal).then((response) => response.text());
    await expect.poll(() => model.active).toBeGreaterThan(0);
    await sleep(20);
    controller.abort();
    await expect(answer).rejects.toThrow();
    await expect.poll(() => model.active).toBe(0);
    expect(model.seen.every((request) => request.signal?.aborted)).toBe(true);
    expect((await fetch(`${server.url}/flush_cache`)).status).toBe(200);
  });

  it('leaves the generations of others alone', async () => {
    const { model, post } = await start({ delay: 10 });
    const controller = new AbortController();
    const gone = post('/generate', endless, controller.signal).catch(() => {});
    const stays = post('/generate', { text: 'abcdefgh' }).then(readJson);
    await expect.poll(() => model.active).toBe(2);
    controller.abort();
    expect(await stays).toMatchObject({ text: 'abcdefgh', meta_info: { finish_reason: { type: 'stop' } } });
    await gone;
  });
});

describe('/abort_request', () => {
  const aborted = { type: 'abort', message: 'aborted by the client', status_code: null, err_type: null };

  it.each([
    ['by its id', { rid: 'mine' }],
    ['with all others', { abort_all: true }],
  ])('stops a generation %s; what it has is delivered', async (_, body) => {
    const { model, post } = await start({ delay: 2 });
    const answer = post('/generate', { ...endless, rid: 'mine' }).then(readJson);
    await expect.poll(() => model.active).toBe(1);
    await sleep(20);
    expect((await post('/abort_request', body)).status).toBe(200);
    const { text, meta_info: info } = await answer;
    expect(text).toMatch(/^en/);
    expect(info.finish_reason).toEqual(aborted);
  });

  it('stops one item of a list, or all of them by the name they share', async () => {
    const { model, post } = await start({ delay: 2 });
    const answer = post('/generate', { ...endless, text: ['a', 'b', 'c'], rid: 'job' }).then(readJson);
    await expect.poll(() => model.active).toBe(3);
    await post('/abort_request', { rid: 'job_1' });
    await expect.poll(() => model.active).toBe(2);
    await post('/abort_request', { rid: 'job' });
    const reasons = (await answer).map(
      (output: { meta_info: { finish_reason: object } }) => output.meta_info.finish_reason,
    );
    expect(reasons).toEqual([aborted, aborted, aborted]);
  });

  it('ends a stream with the reason and [DONE]', async () => {
    const { model, post } = await start({ delay: 2 });
    const answer = post('/v1/chat/completions', { ...endlessChat, stream: true, rid: 'chat' }).then((r) => r.text());
    await expect.poll(() => model.active).toBe(1);
    await post('/abort_request', { rid: 'chat' });
    expect(readEvents(await answer).at(-1).choices[0].finish_reason).toBe('abort');
  });

  it('tells who wants an id that is in use', async () => {
    const { model, post } = await start({ delay: 2 });
    const first = post('/generate', { ...endless, rid: 'mine' });
    await expect.poll(() => model.active).toBe(1);
    const second = await post('/generate', { text: 'a', rid: 'mine' });
    expect(second.status).toBe(400);
    const message = 'rid: "mine" is in use by another request\nChoose another, or leave rid out to get a fresh one.';
    expect(await second.json()).toEqual({ error: { message } });
    expect(model.active).toBe(1);
    await post('/abort_request', { abort_all: true });
    await first;
    expect((await post('/generate', { text: 'a', rid: 'mine' })).status).toBe(200);
  });
});

describe('while generations are in flight', () => {
  it('/flush_cache refuses', async () => {
    const { model, post, server } = await start({ delay: 5 });
    const answer = post('/generate', endless);
    await expect.poll(() => model.active).toBe(1);
    const flush = await fetch(`${server.url}/flush_cache`);
    expect([flush.status, await flush.text()]).toEqual([400, 'Not flushed: 1 generations are in flight.\n']);
    await post('/abort_request', { abort_all: true });
    await answer;
  });
});

describe('close', () => {
  it('ends generations, delivers what they have, and stops listening', async () => {
    const { model, post, server } = await start({ delay: 2 });
    const plain = post('/generate', endless).then(readJson);
    const streamed = post('/generate', { ...endless, stream: true }).then((response) => response.text());
    await expect.poll(() => model.active).toBe(2);
    await sleep(10);
    const first = server.close();
    expect(server.close()).toBe(first);
    expect(server.closed).toBe(first);
    await first;
    expect((await plain).meta_info.finish_reason.type).toBe('abort');
    expect(readEvents(await streamed).at(-1).meta_info.finish_reason.type).toBe('abort');
    expect(model.active).toBe(0);
    await expect(fetch(`${server.url}/health`)).rejects.toThrow();
  });

  it('waits for no connection that asks for nothing', async () => {
    const { server } = await start({}, { drainTimeout: 60_000 });
    const socket = connect(server.port, '127.0.0.1');
    await once(socket, 'connect');
    await server.close();
    socket.destroy();
  });

  it('takes bounded time, whatever clients and model do', async () => {
    const { server } = await start({}, { drainTimeout: 100 });
    const socket = connect(server.port, '127.0.0.1');
    socket.on('error', () => {});
    socket.write('POST /generate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{');
    await sleep(30);
    await server.close();
    socket.destroy();
  });

  it('answers requests that still come in with 503', async () => {
    const { server } = await start({ delay: 100 }, { drainTimeout: 2000 });
    const socket = connect(server.port, '127.0.0.1');
    let answer = '';
    socket.on('data', (bytes) => {
      answer += bytes;
    });
    const body = JSON.stringify({ text: 'a' });
    socket.write(
      `POST /generate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`,
    );
    await sleep(30);
    const closed = server.close();
    socket.write(body);
    await closed;
    expect(answer).toMatch(/^HTTP\/1\.1 503 /);
    expect(answer).toContain('{"error":{"message":"the server is shutting down"}}');
    socket.destroy();
  });

  it('happens when the signal says so', async () => {
    const controller = new AbortController();
    const { server } = await start({}, { signal: controller.signal });
    controller.abort();
    await server.closed;
    await expect(fetch(`${server.url}/health`)).rejects.toThrow();
  });

  it('does not start with an aborted signal', async () => {
    await expect(startServer({ model: createEchoModel(), port: 0, signal: AbortSignal.abort() })).rejects.toThrow();
  });
});

// biome-ignore lint/suspicious/noExplicitAny: answers are looked into, field by field
const readJson = (response: Response): Promise<any> => response.json();

/** Writes pieces to a socket and returns all that comes back until it ends or falls silent. */
function sendRaw(port: number, pieces: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let answer = '';
    socket.setTimeout(1000, () => socket.destroy());
    socket.on('data', (bytes) => {
      answer += bytes;
      if (answer.includes('\r\n\r\n')) socket.setTimeout(50, () => socket.destroy());
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(answer));
    for (const piece of pieces) socket.write(piece);
  });
}
