import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const built = fileURLToPath(new URL('../../dist/', import.meta.url));
const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.json': 'application/json',
};

/** The built page on a server whose answers a test may change. */
export interface Site {
  readonly url: string;
  /** Ranges of weights that were asked for, `0-4194303`. */
  readonly ranges: string[];
  /** Bytes of a file as they are to be served; the file's own where it is absent. */
  change: ((name: string, bytes: Buffer) => Buffer) | undefined;
  /** More headers of a file. */
  headers: ((name: string) => Record<string, string>) | undefined;
  /** Waited for before a file is served. */
  hold: ((name: string, range: string | undefined) => Promise<void>) | undefined;
  close(): Promise<void>;
}

export async function startSite(): Promise<Site> {
  const server = createServer((request, response) => void serve(site, request, response));
  const site: Site = {
    url: '',
    ranges: [],
    change: undefined,
    headers: undefined,
    hold: undefined,
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return Object.assign(site, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` });
}

async function serve(site: Site, { url = '/', method, headers }: IncomingMessage, response: ServerResponse) {
  const { pathname } = new URL(url, 'http://a');
  const name = pathname === '/' ? 'index.html' : pathname.slice(1);
  const content = await readFile(join(built, name)).catch(() => undefined);
  if (!content) return response.writeHead(404).end();
  const bytes = site.change?.(name, content) ?? content;
  const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? '') ?? [];
  const [start, end] = from === undefined ? [0, bytes.length] : [Number(from), Number(to) + 1];
  if (from !== undefined) site.ranges.push(`${from}-${to}`);
  await site.hold?.(name, headers.range);
  response.writeHead(from === undefined ? 200 : 206, {
    'Content-Type': types[extname(name)] ?? 'application/octet-stream',
    'Content-Length': end - start,
    ...(from === undefined ? {} : { 'Content-Range': `bytes ${start}-${end - 1}/${bytes.length}` }),
    ...site.headers?.(name),
  });
  return response.end(method === 'HEAD' ? undefined : bytes.subarray(start, end));
}
