import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A static server with ranges, whose answers a test may spoil. */
export interface FileServer {
  readonly url: string;
  readonly files: Map<string, Uint8Array>;
  /** `GET model.safetensors bytes=0-7`, in the order they came. */
  readonly requests: string[];
  /** Sent with every file. */
  readonly headers: Map<string, string>;
  /** Answers instead of the server where it says that it did. */
  intercept: (request: IncomingMessage, response: ServerResponse) => boolean;
  close(): Promise<void>;
}

export async function startFileServer(files: Readonly<Record<string, Uint8Array | string>>): Promise<FileServer> {
  const bytesOf = (content: Uint8Array | string) =>
    typeof content === 'string' ? new TextEncoder().encode(content) : content;
  const state: Omit<FileServer, 'url' | 'close'> = {
    files: new Map(Object.entries(files).map(([name, content]) => [`/model/${name}`, bytesOf(content)])),
    requests: [],
    headers: new Map(),
    intercept: () => false,
  };
  const server = createServer((request, response) => answer(request, response, state));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return Object.assign(state, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/model/`,
    close: () => closeServer(server),
  });
}

function answer(request: IncomingMessage, response: ServerResponse, state: Omit<FileServer, 'url' | 'close'>): void {
  const path = decodeURIComponent(new URL(request.url ?? '', 'http://a').pathname);
  state.requests.push(`${request.method} ${path.replace('/model/', '')} ${request.headers.range ?? ''}`.trim());
  if (state.intercept(request, response)) return;
  const bytes = state.files.get(path);
  if (!bytes) {
    response.writeHead(404).end();
    return;
  }
  for (const [name, value] of state.headers) response.setHeader(name, value);
  const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
  if (from === undefined) {
    response.writeHead(200, { 'Content-Length': bytes.length });
    response.end(request.method === 'HEAD' ? undefined : bytes);
    return;
  }
  const part = bytes.subarray(Number(from), Number(to) + 1);
  response.writeHead(206, {
    'Content-Length': part.length,
    'Content-Range': `bytes ${from}-${Number(from) + part.length - 1}/${bytes.length}`,
  });
  response.end(part);
}

function closeServer(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}
