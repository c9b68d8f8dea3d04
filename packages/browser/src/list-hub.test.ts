import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { parseHubUrl } from './list-hub.ts';
import { openHttpFolder } from './open-http-folder.ts';

describe('addresses on Hugging Face', () => {
  it.each([
    ['https://huggingface.co/Qwen/Qwen3-0.6B', 'main'],
    ['https://huggingface.co/Qwen/Qwen3-0.6B/resolve/v1/', 'v1'],
    ['https://huggingface.co/Qwen/Qwen3-0.6B/tree/main', 'main'],
  ])('%s', (url, revision) => {
    const { origin } = new URL(url);
    expect(parseHubUrl(url)).toEqual({ endpoint: origin, repository: 'Qwen/Qwen3-0.6B', revision });
  });

  it.each(['https://huggingface.co/Qwen', 'https://huggingface.co/datasets/a/b', 'https://example.org/Qwen/Qwen3'])(
    'not %s',
    (url) => {
      expect(parseHubUrl(url)).toBeUndefined();
    },
  );
});

describe('a repository', () => {
  const weights = new TextEncoder().encode('weights');
  const sha256 = createHash('sha256').update(weights).digest('hex');
  const tree = [
    { type: 'directory', path: 'onnx', size: 0, oid: 'd' },
    { type: 'file', path: 'README.md', size: 1, oid: 'r' },
    { type: 'file', path: 'config.json', size: 2, oid: 'c' },
    { type: 'file', path: 'consolidated.safetensors', size: 7, oid: 'x', lfs: { oid: 'f'.repeat(64), size: 7 } },
    { type: 'file', path: 'model.safetensors', size: 7, oid: 'p', lfs: { oid: sha256, size: 7 } },
  ];
  /** Answers as the hub and the store behind its redirects do, without the headers that pages may not see. */
  const hub =
    (listing: unknown, content = weights) =>
    async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
      const url = String(input);
      if (url === 'https://huggingface.co/api/models/a/b/tree/main') return Response.json(listing);
      const resolve = 'https://huggingface.co/a/b/resolve/main';
      if (url === `${resolve}/config.json`) return new Response('{}');
      const range = new Headers(init?.headers).get('range');
      if (url === `${resolve}/model.safetensors` && range === 'bytes=0-6')
        return new Response(content, { status: 206 });
      throw new Error(`nobody should ask for ${url} ${range}`);
    };

  it('is listed by its interface, the weights once', async () => {
    const folder = await openHttpFolder('https://huggingface.co/a/b', { fetch: hub(tree) });
    expect(await folder.list()).toEqual(['config.json', 'model.safetensors']);
    await folder.download();
    expect(await (await folder.open('model.safetensors')).read(0, 7)).toEqual(weights);
  });

  it('is checked against the hashes that the listing gives', async () => {
    const damaged = new TextEncoder().encode('Weights');
    const folder = await openHttpFolder('https://huggingface.co/a/b', { fetch: hub(tree, damaged) });
    await expect(folder.download()).rejects.toThrow(
      `https://huggingface.co/a/b/resolve/main/model.safetensors: expected SHA-256 ${sha256}, found `,
    );
  });

  it('is refused where the listing is none', async () => {
    await expect(openHttpFolder('https://huggingface.co/a/b', { fetch: hub({ error: 'no' }) })).rejects.toThrow(
      'https://huggingface.co/api/models/a/b/tree/main: expected a list of files in JSON, found something else',
    );
  });
});
