import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openHttpFolder } from './open-http-folder.ts';
import { openOpfsStore } from './opfs-store.ts';
import { createFakeFileSystem, type FakeFileSystem } from './test-support/fake-file-system.ts';
import { startFileServer } from './test-support/file-server.ts';

let system: FakeFileSystem;
beforeEach(() => {
  system = createFakeFileSystem();
  vi.stubGlobal('navigator', { storage: system.storage, locks: system.locks });
});
afterEach(() => vi.unstubAllGlobals());

const bytes = Uint8Array.of(1, 2, 3, 4, 5);

describe('the store in the browser’s file system', () => {
  it('keeps files by path, for whoever opens it again', async () => {
    const store = await openOpfsStore();
    expect(await store.size('a/b/0')).toBeUndefined();
    expect(await store.read('a/b/0')).toBeUndefined();
    await store.write('a/b/0', bytes);
    await store.write('a/b/0', bytes.subarray(1));
    const again = await openOpfsStore();
    expect(await again.size('a/b/0')).toBe(4);
    expect(await again.read('a/b/0')).toEqual(bytes.slice(1));
    expect(await again.read('a/b/0', 1, 3)).toEqual(bytes.slice(2, 4));
    await again.remove('a');
    await again.remove('a');
    expect(await store.size('a/b/0')).toBeUndefined();
    expect(await (await openOpfsStore('other')).read('a/b/0')).toBeUndefined();
  });

  it('says that there is no room, and keeps nothing of the file', async () => {
    const store = await openOpfsStore();
    await store.write('a/0', bytes);
    system.quota = 9;
    const full = "the browser's storage has no room for 5 bytes of a/1\nFree some: clear the data of sites";
    await expect(store.write('a/1', bytes)).rejects.toThrow(full);
    expect(system.files.get('lowbit/a/1')).toEqual(new Uint8Array());
    expect(system.writers).toEqual(new Set());
    system.quota = 100;
    await store.write('a/1', bytes);
    // Some systems write a part and throw nothing.
    system.shortWrites = 3;
    await expect(store.write('a/1', bytes)).rejects.toMatchObject({
      code: 'STORE_FULL',
      message: expect.stringContaining(full),
    });
    expect(system.files.get('lowbit/a/1')).toEqual(new Uint8Array());
    expect(await store.read('a/0')).toEqual(bytes);
  });

  it('hands on what else goes wrong', async () => {
    const store = await openOpfsStore();
    await store.write('a/0', bytes);
    system.writers.add('lowbit/a/0');
    await expect(store.write('a/0', bytes)).rejects.toMatchObject({ name: 'NoModificationAllowedError' });
  });

  it('is written by several tabs, one after the other, and cleared only between', async () => {
    const tabs = await Promise.all([openOpfsStore(), openOpfsStore(), openOpfsStore()]);
    await Promise.all(tabs.flatMap((store) => [store.write('a/0', bytes), store.write('a/1', bytes)]));
    await Promise.all([tabs[0]!.write('a/0', bytes), tabs[1]!.remove('a'), tabs[2]!.write('a/1', bytes)]);
    expect([...system.files.keys()]).toEqual(['lowbit/a/1']);
  });

  it('lets one of several tabs do a work, and others stop waiting', async () => {
    const [one, two] = [await openOpfsStore(), await openOpfsStore()];
    const log: string[] = [];
    let release = () => {};
    const work = one.exclusively!('a', async () => {
      log.push('one begins');
      await new Promise<void>((resolve) => (release = resolve));
      log.push('one ends');
    });
    const ending = new AbortController();
    const waiting = two.exclusively!('a', async () => log.push('never'), ending.signal);
    const last = two.exclusively!('a', async () => log.push('two'));
    ending.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    release();
    await Promise.all([work, last]);
    expect(log).toEqual(['one begins', 'one ends', 'two']);
  });

  it('works where browsers have no locks', async () => {
    vi.stubGlobal('navigator', { storage: system.storage });
    const store = await openOpfsStore();
    await store.write('a/0', bytes);
    expect(await store.exclusively!('a', () => store.read('a/0'))).toEqual(bytes);
  });

  it.each([
    ['is missing', {}, 'navigator.storage.getDirectory is missing'],
    [
      'refuses, as in a private window',
      { getDirectory: () => Promise.reject(new DOMException('no', 'SecurityError')) },
      'no',
    ],
  ])('says that it is not there where the browser’s %s', async (_, storage, reason) => {
    vi.stubGlobal('navigator', { storage });
    await expect(openOpfsStore()).rejects.toThrow(
      `this browser lends the page no file storage: ${reason}\nServe the page from https or localhost, outside a private window`,
    );
  });
});

describe('a checkpoint that is kept there', () => {
  const file = 'model.safetensors';
  const weights = Uint8Array.from({ length: 9 * 2 ** 20 }, (_, index) => index % 251);

  it('comes once, though two tabs load it at the same time', async () => {
    const server = await startFileServer({ 'config.json': '{}', [file]: weights });
    try {
      const load = async () => {
        const folder = await openHttpFolder(server.url, { store: await openOpfsStore(), files: ['config.json', file] });
        await folder.download();
        return (await folder.open(file)).read(0, weights.length);
      };
      const loaded = await Promise.all([load(), load()]);
      for (const each of loaded) expect(Buffer.compare(each, weights)).toBe(0);
      expect(server.requests.filter((request) => request.startsWith('GET')).sort()).toEqual([
        'GET config.json',
        `GET ${file} bytes=0-4194303`,
        `GET ${file} bytes=4194304-8388607`,
        `GET ${file} bytes=8388608-9437183`,
      ]);
    } finally {
      await server.close();
    }
  });

  it('goes on, once there is room, with the pieces that had none', async () => {
    const server = await startFileServer({ 'config.json': '{}', [file]: weights });
    try {
      const open = async () =>
        openHttpFolder(server.url, { store: await openOpfsStore(), files: ['config.json', file] });
      system.quota = 5 * 2 ** 20;
      await expect((await open()).download()).rejects.toMatchObject({ code: 'STORE_FULL' });
      system.quota = Number.POSITIVE_INFINITY;
      server.requests.length = 0;
      const folder = await open();
      await folder.download();
      expect(server.requests.filter((request) => request.startsWith(`GET ${file}`))).not.toHaveLength(3);
      expect(Buffer.compare(await (await folder.open(file)).read(0, weights.length), weights)).toBe(0);
    } finally {
      await server.close();
    }
  });
});
