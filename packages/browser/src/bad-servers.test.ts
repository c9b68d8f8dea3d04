import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HttpError } from './http-error.ts';
import { type HttpFolderOptions, openHttpFolder } from './open-http-folder.ts';
import { type FileServer, startFileServer } from './test-support/file-server.ts';

const file = 'model.safetensors';
let server: FileServer;
beforeEach(async () => {
  server = await startFileServer({ 'config.json': '{}', [file]: new Uint8Array(1000) });
});
afterEach(() => server.close());

const open = (options: HttpFolderOptions = {}) => openHttpFolder(server.url, { retryPause: 1, ...options });
/** The message, less the address, of reading the weights from a server that answers its GETs like this. */
async function failure(spoil: (request: IncomingMessage, response: ServerResponse) => boolean): Promise<string> {
  const folder = await open();
  server.intercept = spoil;
  const error = await (await folder.open(file)).read(0, 10).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(HttpError);
  return (error as HttpError).message.replace(server.url, '');
}

describe('a server that', () => {
  it('knows no ranges', async () => {
    expect(await failure((_, response) => !!response.writeHead(200).end(new Uint8Array(1000)))).toBe(
      'model.safetensors: expected status 206 and bytes 0 to 999 alone, found status 200 and the whole file\n' +
        'The server knows no ranges (Python’s http.server is one such): use one that does.',
    );
  });

  it('has no such model', async () => {
    server.files.clear();
    await expect(open()).rejects.toThrow(
      'config.json: expected a file, found 404 Not Found\n' +
        'Check the address: it is that of the folder that holds config.json.',
    );
  });

  it('answers with its page where there is no such file', async () => {
    server.intercept = (_, response) => !!response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' }).end();
    await expect(open()).rejects.toThrow(
      'config.json: expected JSON, found a web page (text/html)\nCheck the address: some servers answer with their page',
    );
  });

  it('answers with its page for optional files, which are then not there', async () => {
    server.intercept = ({ url = '' }, response) =>
      !server.files.has(url) && !!response.writeHead(200, { 'Content-Type': 'text/html' }).end();
    expect(await (await open()).list()).toEqual(['config.json', file]);
  });

  it('wants to know who asks', async () => {
    server.intercept = ({ headers }, response) =>
      headers.authorization !== 'Bearer a' && !!response.writeHead(401).end();
    await expect(open()).rejects.toThrow('found 401 Unauthorized\nThe model may be gated or private');
    expect(await (await open({ headers: { Authorization: 'Bearer a' } })).list()).toEqual(['config.json', file]);
  });

  it('gives less than it says, again and again', async () => {
    let tries = 0;
    const message = await failure((_, response) => {
      tries++;
      return !!response.writeHead(206, { 'Content-Range': 'bytes 0-999/1000' }).end(new Uint8Array(7));
    });
    expect(message).toBe(
      'model.safetensors: expected bytes 0 to 999, 1000 bytes, found 7 bytes\n' +
        'The connection broke off again and again: try again, what came so far is kept.',
    );
    expect(tries).toBe(4);
  });

  it('breaks off, and is busy, once', async () => {
    const folder = await open();
    let tries = 0;
    server.intercept = (_, response) => {
      tries++;
      if (tries === 1)
        return !!response.writeHead(206, { 'Content-Length': 1000 }).write('a', () => response.destroy());
      return tries === 2 && !!response.writeHead(503).end();
    };
    expect(await (await folder.open(file)).read(0, 2)).toEqual(new Uint8Array(2));
    expect(tries).toBe(3);
  });

  it('is busy for long', async () => {
    expect(await failure((_, response) => !!response.writeHead(503).end())).toBe(
      'model.safetensors: expected a file, found 503 Service Unavailable',
    );
  });

  it('gives more than was asked for', async () => {
    expect(await failure((_, response) => !!response.writeHead(206).end(new Uint8Array(1001)))).toBe(
      'model.safetensors: expected bytes 0 to 999, 1000 bytes, found 1001 bytes or more',
    );
  });

  it('gives another range', async () => {
    const headers = { 'Content-Range': 'bytes 1-1000/1000' };
    expect(await failure((_, response) => !!response.writeHead(206, headers).end(new Uint8Array(1000)))).toBe(
      'model.safetensors: expected bytes 0 to 999, found bytes 1 to 1000\n' +
        'The server answers ranges wrongly: use another one.',
    );
  });

  it('gets another file meanwhile', async () => {
    const remedy = 'The file changed on the server while it was being read: load the page again.';
    server.headers.set('ETag', 'W/"one"');
    const change = (headers: Record<string, string>) =>
      failure((_, response) => !!response.writeHead(206, headers).end(new Uint8Array(1000)));
    expect(await change({ ETag: '"two"' })).toBe(
      `model.safetensors: expected ETag one, as when it was opened, found ETag two\n${remedy}`,
    );
    server.intercept = () => false;
    expect(await change({ 'Content-Range': 'bytes 0-999/1001' })).toBe(
      `model.safetensors: expected 1000 bytes, as when it was opened, found 1001 bytes\n${remedy}`,
    );
    server.intercept = () => false;
    expect(await failure((_, response) => !!response.writeHead(416).end())).toBe(
      `model.safetensors: expected bytes 0 to 999, found a file that is shorter\n${remedy}`,
    );
  });

  it('compresses weights', async () => {
    server.headers.set('Content-Encoding', 'gzip');
    await expect(open()).rejects.toThrow(
      'expected a Content-Length, and no Content-Encoding, found Content-Encoding gzip\n' +
        'Let the server send safetensors files as they are.',
    );
  });
});

it.each(['models/a', 'file:///a', ''])('refuses the address %j', async (address) => {
  await expect(openHttpFolder(address)).rejects.toThrow(
    `the address of a model: expected an absolute http or https URL, found ${JSON.stringify(address)}`,
  );
});

it('ends at the signal, before and while it asks', async () => {
  await expect(open({ signal: AbortSignal.abort(new Error('no')) })).rejects.toThrow('no');
  const ending = new AbortController();
  server.intercept = () => {
    ending.abort(new Error('enough'));
    return true;
  };
  await expect(open({ signal: ending.signal })).rejects.toThrow('enough');
});
