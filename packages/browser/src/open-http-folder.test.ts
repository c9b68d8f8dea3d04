import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createMemoryStore } from './memory-store.ts';
import { type DownloadProgress, type HttpFolderOptions, openHttpFolder } from './open-http-folder.ts';
import type { Store } from './store.ts';
import { type FileServer, startFileServer } from './test-support/file-server.ts';

const mebibyte = 2 ** 20;
/** Three pieces of the store, the last of them short. */
const weights = Uint8Array.from({ length: 9 * mebibyte }, (_, index) => (index * 2_654_435_761) >>> 24);
const hash = createHash('sha256').update(weights).digest('hex');
const file = 'model.safetensors';

let server: FileServer;
let store: Store;
beforeEach(async () => {
  server = await startFileServer({ 'config.json': '{"a":1}', [file]: weights });
  store = createMemoryStore();
});
afterEach(() => server.close());

const open = (options: HttpFolderOptions = {}) =>
  openHttpFolder(server.url, { store, files: ['config.json', file], retryPause: 1, ...options });
const read = async (name: string, start: number, end: number, options: HttpFolderOptions = {}) =>
  (await (await open(options)).open(name)).read(start, end);
/** What was asked for since the last call, headers of files aside. */
const fetched = () => server.requests.splice(0).filter((request) => request.startsWith('GET'));

describe('files of a server', () => {
  it('come by ranges, each piece once', async () => {
    const folder = await open();
    expect(await folder.list()).toEqual(['config.json', file]);
    const source = await folder.open(file);
    expect(source.size).toBe(weights.length);
    expect(fetched()).toEqual([]);
    const [start, end] = [4 * mebibyte - 3, 8 * mebibyte + 5];
    expect(Buffer.compare(await source.read(start, end), weights.subarray(start, end))).toBe(0);
    expect(fetched().sort()).toEqual([
      `GET ${file} bytes=0-4194303`,
      `GET ${file} bytes=4194304-8388607`,
      `GET ${file} bytes=8388608-9437183`,
    ]);
    await Promise.all([source.read(0, 8), source.read(0, 8)]);
    expect(await source.read(5, 5)).toEqual(new Uint8Array());
    expect(fetched()).toEqual([]);
    await expect(source.read(0, weights.length + 1)).rejects.toThrow(
      'model.safetensors: expected a range within its 9437184 bytes, found 0..9437185',
    );
  });

  it('come as a whole where they are small', async () => {
    expect(new TextDecoder().decode(await read('config.json', 0, 7))).toBe('{"a":1}');
    expect(fetched()).toEqual(['GET config.json']);
    await expect((await open()).open('other.json')).rejects.toThrow(
      'other.json: expected one of the 2 files listed, found another file',
    );
  });

  it('are found without their names, side files of methods too', async () => {
    server.files.set('/model/quant.json', new TextEncoder().encode('{}'));
    const method = { name: 'a', from: 'a', match: {}, configFiles: ['quant*.json'], load: () => Promise.reject() };
    const folder = await open({ files: undefined, registry: { methods: [method], backends: [] } });
    expect(await folder.list()).toEqual(['config.json', 'quant.json', file]);
  });

  it('are found through an index', async () => {
    server.files.delete(`/model/${file}`);
    const map = { a: 'one.safetensors', b: 'two.safetensors' };
    server.files.set('/model/model.safetensors.index.json', Buffer.from(JSON.stringify({ weight_map: map })));
    server.files.set('/model/one.safetensors', weights);
    await expect(open({ files: undefined })).rejects.toThrow('two.safetensors: expected a file, found 404');
    server.files.set('/model/two.safetensors', weights);
    const names = await (await open({ files: undefined })).list();
    expect(names).toEqual(['config.json', 'model.safetensors.index.json', 'one.safetensors', 'two.safetensors']);
  });
});

describe('the store', () => {
  it('has what came before, also where the server is gone', async () => {
    await (await open()).download();
    fetched();
    await (await open()).download();
    expect(fetched()).toEqual([]);
    await server.close();
    const folder = await open();
    expect(folder.from).toBe('store');
    await folder.download();
    expect(await (await folder.open(file)).read(9, 12)).toEqual(weights.slice(9, 12));
    await expect(openHttpFolder(server.url, { retryPause: 1 })).rejects.toThrow(
      /expected an answer, found none \(.+\)\nCheck the connection/,
    );
  });

  it('goes on where a download ended', async () => {
    const ending = new AbortController();
    const folder = await open({ signal: ending.signal });
    let last: DownloadProgress | undefined;
    server.intercept = ({ headers }) => headers.range === 'bytes=8388608-9437183';
    const download = folder.download((progress) => {
      last = progress;
      if (progress.done === 8 * mebibyte) setTimeout(() => ending.abort(new Error('enough')), 20);
    });
    await expect(download).rejects.toThrow('enough');
    expect(last).toEqual({ done: 8 * mebibyte, total: weights.length, before: 0 });
    server.intercept = () => false;
    fetched();
    const seen: DownloadProgress[] = [];
    await (await open()).download((progress) => seen.push(progress));
    expect(fetched()).toEqual([`GET ${file} bytes=8388608-9437183`]);
    expect(seen[0]).toEqual({ done: 8 * mebibyte, total: weights.length, before: 8 * mebibyte });
    expect(seen.at(-1)?.done).toBe(weights.length);
  });

  it('forgets a version that the server no longer has', async () => {
    server.headers.set('ETag', '"one"');
    await (await open()).download();
    server.headers.set('ETag', '"two"');
    server.files.set(`/model/${file}`, new Uint8Array(9));
    expect(await read(file, 0, 3)).toEqual(new Uint8Array(3));
    server.headers.set('ETag', '"one"');
    server.files.set(`/model/${file}`, weights);
    fetched();
    await read(file, 0, 3);
    expect(fetched()).toEqual([`GET ${file} bytes=0-4194303`]);
  });

  it('fetches a piece again whose writing was cut short, and says when one is lost later', async () => {
    const paths: string[] = [];
    const cutting = {
      ...store,
      write(path: string, bytes: Uint8Array) {
        paths.push(path);
        return store.write(path, bytes);
      },
    };
    const folder = await open({ store: cutting });
    await folder.download();
    const piece = paths.find((path) => path.endsWith('/1'))!;
    await store.write(piece, new Uint8Array(3));
    const source = await folder.open(file);
    await expect(source.read(5 * mebibyte, 6 * mebibyte)).rejects.toThrow(
      'model.safetensors: expected 1048576 bytes of the stored copy, found 0\nThe browser has removed stored data',
    );
    fetched();
    await (await open()).download();
    expect(fetched()).toEqual([`GET ${file} bytes=4194304-8388607`]);
  });
});

describe('a store that was damaged', () => {
  /** Changes a bit of what is stored under a name that ends so. */
  async function damageStored(ending: string): Promise<void> {
    const path = paths.findLast((each) => each.endsWith(ending))!;
    const bytes = (await store.read(path))!;
    bytes[3]! ^= 1;
    await store.write(path, bytes);
  }
  let paths: string[];
  beforeEach(async () => {
    paths = [];
    const { write } = store;
    store = {
      ...store,
      write(path, bytes) {
        paths.push(path);
        return write(path, bytes);
      },
    };
    await (await open()).download();
    fetched();
  });

  it('has the damaged piece fetched again, by a download or by a read', async () => {
    await damageStored('/1');
    await (await open()).download();
    expect(fetched()).toEqual([`GET ${file} bytes=4194304-8388607`]);
    await damageStored('/1');
    expect(await read(file, 0, 4)).toEqual(weights.slice(0, 4));
    expect(fetched()).toEqual([]);
    expect(await read(file, 4 * mebibyte, 4 * mebibyte + 4)).toEqual(weights.slice(4 * mebibyte, 4 * mebibyte + 4));
    expect(fetched()).toEqual([`GET ${file} bytes=4194304-8388607`]);
  });

  it('has a damaged small file fetched again, and a damaged listing made again', async () => {
    const config = paths.find((path) => path.includes('config.json'))!;
    await store.write(config, Uint8Array.of(1, 2));
    expect(new TextDecoder().decode(await read('config.json', 0, 7))).toBe('{"a":1}');
    expect(fetched()).toEqual(['GET config.json']);
    await damageStored('listing.json');
    await open();
    await server.close();
    expect((await open()).from).toBe('store');
    await damageStored('listing.json');
    await expect(open()).rejects.toThrow('expected an answer, found none');
  });

  it('says so where the server is gone', async () => {
    await damageStored('/2');
    await server.close();
    const folder = await open();
    await expect(folder.download()).rejects.toThrow(
      'model.safetensors: bytes 8388608 to 9437183 of the stored copy are damaged, and the server does not answer\n' +
        'Load the page again when there is a connection: this part alone is fetched.',
    );
    expect(await (await folder.open(file)).read(9, 12)).toEqual(weights.slice(9, 12));
  });

  it('has the hash of the whole compared again', async () => {
    server.intercept = ({ url }, response) => {
      if (url?.endsWith(file)) response.setHeader('X-Linked-ETag', `"${hash}"`);
      return false;
    };
    await (await open()).download();
    await damageStored('/1');
    const other = weights.slice();
    other[5_000_000]! ^= 1;
    server.files.set(`/model/${file}`, other);
    await expect((await open()).download()).rejects.toThrow(/expected SHA-256 [0-9a-f]{64}, found/);
  });
});

describe('the hash', () => {
  const damage = () => {
    server.headers.set('X-Linked-ETag', `"${hash}"`);
    const damaged = weights.slice();
    damaged[5_000_000]! ^= 1;
    server.files.set(`/model/${file}`, damaged);
  };
  const options = { files: undefined };

  it('lets the right bytes through, and is computed once', async () => {
    server.intercept = ({ url }, response) => {
      if (url?.endsWith(file)) response.setHeader('X-Linked-ETag', `"${hash}"`);
      return false;
    };
    await (await open(options)).download();
    // Later, each piece is read once, and compared with its own seal.
    const reads: string[] = [];
    const watched = {
      ...store,
      read(path: string) {
        reads.push(path);
        return store.read(path);
      },
    };
    await (await open({ ...options, store: watched })).download();
    expect(reads.filter((path) => path.includes(file)).map((path) => path.slice(-2))).toEqual(['/0', '/1', '/2']);
  });

  it('refuses damage, and keeps nothing of it', async () => {
    server.intercept = ({ url }, response) => {
      if (url?.endsWith('config.json')) {
        response.writeHead(200, { 'Content-Length': 2 }).end('{}');
        return true;
      }
      return false;
    };
    damage();
    const damaged = /model\.safetensors: expected SHA-256 [0-9a-f]{64}, found [0-9a-f]{64}\nThe file was damaged/;
    const folder = await open(options);
    await expect(folder.download()).rejects.toThrow(damaged);
    const source = await folder.open(file);
    expect((await source.read(0, 8)).length).toBe(8);
    await expect(source.read(0, weights.length)).rejects.toThrow(damaged);
    server.files.set(`/model/${file}`, weights);
    await folder.download();
    expect(await source.read(0, 3)).toEqual(weights.slice(0, 3));
  });
});
