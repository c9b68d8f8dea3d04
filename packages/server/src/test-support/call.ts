import { createServerApp } from '../create-server-app.ts';
import type { ServerOptions } from '../server-options.ts';
import { createEchoModel, type EchoModel, type EchoOptions } from './echo-model.ts';

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: answers are looked into, field by field
  readonly json: any;
}

export interface TestServer {
  readonly model: EchoModel;
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Answer>;
  get(path: string, headers?: Record<string, string>): Promise<Answer>;
  request(path: string, init: RequestInit): Promise<Answer>;
}

/** A server without a socket. */
export function createTestServer(echo: EchoOptions = {}, options: Partial<ServerOptions> = {}): TestServer {
  const model = createEchoModel(echo);
  const app = createServerApp({ model, ...options });
  async function request(path: string, init: RequestInit): Promise<Answer> {
    const response = await app.request(path, init);
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json') ?? false;
    return { status: response.status, headers: response.headers, text, json: isJson ? JSON.parse(text) : undefined };
  }
  return {
    model,
    request,
    get: (path, headers = {}) => request(path, { headers }),
    post: (path, body, headers = {}) =>
      request(path, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),
  };
}

/** The JSON values of an event stream; checks its framing and that `[DONE]` ends it. */
// biome-ignore lint/suspicious/noExplicitAny: events are looked into, field by field
export function readEvents(text: string): any[] {
  const blocks = text.split('\n\n');
  if (blocks.pop() !== '') throw new Error('the stream does not end with a blank line');
  if (blocks.pop() !== 'data: [DONE]') throw new Error('the stream does not end with [DONE]');
  return blocks.map((block) => {
    if (!/^data: [^\n]+$/.test(block)) throw new Error(`not one data line: ${block}`);
    return JSON.parse(block.slice('data: '.length));
  });
}
