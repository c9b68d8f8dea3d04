import { describe, expect, it } from 'vitest';
import { type ByteSource, createByteSource } from './byte-source.ts';
import type { CheckpointFiles } from './checkpoint-files.ts';
import { openSafetensors, openSafetensorsFile } from './open-safetensors.ts';
import { SafetensorsError } from './safetensors-error.ts';
import { writeSafetensors } from './write-safetensors.ts';

/** A folder in memory that counts its open sources. */
function folder(contents: Readonly<Record<string, Uint8Array>>) {
  const open = new Set<ByteSource>();
  let mostOpen = 0;
  const files: CheckpointFiles = {
    list: async () => Object.keys(contents),
    async open(name) {
      const source = createByteSource(contents[name]!, name);
      const counted = {
        ...source,
        async read(start: number, end: number) {
          await Promise.resolve();
          if (!open.has(counted)) throw new Error(`${name} is closed`);
          return source.read(start, end);
        },
        async close() {
          open.delete(counted);
        },
      };
      open.add(counted);
      mostOpen = Math.max(mostOpen, open.size);
      return counted;
    },
  };
  return { files, open, mostOpen: () => mostOpen };
}

const shard = (...names: string[]) =>
  writeSafetensors(
    Object.fromEntries(names.map((name, at) => [name, { dtype: 'U8', shape: [1], bytes: Uint8Array.of(at + 1) }])),
  );
const index = (weightMap: object) => new TextEncoder().encode(JSON.stringify({ metadata: {}, weight_map: weightMap }));
const indexName = 'model.safetensors.index.json';

async function failure(contents: Readonly<Record<string, Uint8Array>>): Promise<SafetensorsError> {
  const { files, open } = folder(contents);
  const error = await openSafetensors(files).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(SafetensorsError);
  expect(open.size).toBe(0);
  return error as SafetensorsError;
}

describe('which files', () => {
  const names = async (contents: Readonly<Record<string, Uint8Array>>, exclude?: string[]) => {
    const opened = await openSafetensors(folder(contents).files, exclude ? { exclude } : {});
    return [...opened.tensors.keys()];
  };

  it('model.safetensors, or the only one', async () => {
    expect(await names({ 'model.safetensors': shard('a'), 'golden.safetensors': shard('b') })).toEqual(['a']);
    expect(await names({ 'quant_model_weight_w8a8.safetensors': shard('a'), 'config.json': index({}) })).toEqual(['a']);
  });

  it('an index before all others', async () => {
    const contents = {
      'model.safetensors': shard('old'),
      'quant.safetensors.index.json': index({ a: '1.safetensors', b: '2.safetensors' }),
      '1.safetensors': shard('a'),
      '2.safetensors': shard('b'),
    };
    expect(await names(contents)).toEqual(['a', 'b']);
  });

  it('the index of model.safetensors before others', async () => {
    const contents = {
      [indexName]: index({ a: '1.safetensors' }),
      'consolidated.safetensors.index.json': index({ b: '2.safetensors' }),
      '1.safetensors': shard('a'),
      '2.safetensors': shard('b'),
    };
    expect(await names(contents)).toEqual(['a']);
  });

  it('not the excluded ones', async () => {
    expect(
      await names({ 'x.safetensors': shard('a'), 'golden.safetensors': shard('b') }, ['golden.safetensors']),
    ).toEqual(['a']);
  });

  it('says so when there is none, or no telling which', async () => {
    expect(await failure({ 'model.gguf': shard('a') })).toMatchObject({
      code: 'SAFETENSORS_FILES',
      message:
        '"*.safetensors": expected the weights of the checkpoint, found no such file\n' +
        'Only safetensors are read: .bin, .pt and .gguf files are not.',
    });
    expect(await failure({ 'b.safetensors': shard('a'), 'a.safetensors': shard('a') })).toMatchObject({
      code: 'SAFETENSORS_FILES',
      message:
        '"*.safetensors": expected model.safetensors, a single file, or an index, found a.safetensors, b.safetensors\n' +
        'Download the index (*.safetensors.index.json) that says which of these files hold the weights.',
    });
    expect(
      await failure({ 'a.safetensors.index.json': index({}), 'b.safetensors.index.json': index({}) }),
    ).toMatchObject({
      code: 'SAFETENSORS_FILES',
      message:
        '"*.safetensors.index.json": expected one index, found a.safetensors.index.json, b.safetensors.index.json\n' +
        'Keep the index of the weights to load; move the others away.',
    });
  });
});

describe('index and shards', () => {
  it('a file is missing', async () => {
    const contents = { [indexName]: index({ a: '1.safetensors', b: '2.safetensors' }), '1.safetensors': shard('a') };
    expect((await failure(contents)).message).toBe(
      'model.safetensors.index.json: expected 2 files in the folder, found 1 missing: 2.safetensors\nDownload the missing files.',
    );
  });

  it('a tensor is missing in its file', async () => {
    const contents = { [indexName]: index({ a: '1.safetensors', b: '1.safetensors' }), '1.safetensors': shard('a') };
    expect((await failure(contents)).message).toBe(
      '1.safetensors: tensor b: expected to be here, as model.safetensors.index.json says, found no such tensor\n' +
        'Index and files do not belong together, or a download mixed two versions: download them again.',
    );
  });

  it('a tensor is missing in the index', async () => {
    const contents = { [indexName]: index({ a: '1.safetensors' }), '1.safetensors': shard('a', 'b') };
    expect((await failure(contents)).message).toContain(
      '1.safetensors: tensor b: expected to be named in model.safetensors.index.json, found only in the file',
    );
  });

  it('a tensor is in two files', async () => {
    const contents = {
      [indexName]: index({ a: '1.safetensors', b: '2.safetensors' }),
      '1.safetensors': shard('a'),
      '2.safetensors': shard('b', 'a'),
    };
    expect((await failure(contents)).message).toContain(
      '2.safetensors: tensor a: expected to be in 1.safetensors, as model.safetensors.index.json says, found here',
    );
  });

  it('a broken shard is named', async () => {
    const contents = { [indexName]: index({ a: '1.safetensors' }), '1.safetensors': shard('a').subarray(0, -1) };
    expect((await failure(contents)).message).toMatch(
      /^1\.safetensors: tensor a: expected data_offsets within the 0 bytes/,
    );
  });

  it('a huge index is not read', async () => {
    const { files } = folder({ [indexName]: index({}) });
    const huge: CheckpointFiles = {
      ...files,
      open: async () => ({
        size: 100_000_001,
        read: () => Promise.reject(new Error('read')),
        close: async () => {},
      }),
    };
    await expect(openSafetensors(huge)).rejects.toThrow(
      'model.safetensors.index.json: expected at most 100000000 bytes, found 100000001 bytes',
    );
  });
});

describe('reading', () => {
  const many = Array.from({ length: 100 }, (_, at) => `${at}.safetensors`);
  const contents = {
    [indexName]: index(Object.fromEntries(many.map((name, at) => [`t${at}`, name]))),
    ...Object.fromEntries(many.map((name, at) => [name, shard(`t${at}`)])),
  };

  it('gives each tensor its bytes, with a bounded number of files open, none after closing', async () => {
    const { files, open, mostOpen } = folder(contents);
    const opened = await openSafetensors(files);
    for (const ref of opened.tensors.values()) expect([...(await opened.read(ref))]).toEqual([1]);
    expect(mostOpen()).toBeLessThan(40);
    await opened.close();
    expect(open.size).toBe(0);
  });

  it('closes files whose reading outlives the closing', async () => {
    const { files, open } = folder(contents);
    const opened = await openSafetensors(files);
    const reads = Array.from(opened.tensors.values(), (ref) => opened.read(ref));
    await opened.close();
    await Promise.all(reads);
    expect(open.size).toBe(0);
  });

  it('tries again after a file could not be opened', async () => {
    const { files } = folder(contents);
    let failing = false;
    const opened = await openSafetensors({
      ...files,
      open: (name) => (failing ? Promise.reject(new Error('busy')) : files.open(name)),
    });
    const ref = opened.tensors.get('t0')!;
    failing = true;
    await expect(opened.read(ref)).rejects.toThrow('busy');
    failing = false;
    expect([...(await opened.read(ref))]).toEqual([1]);
  });

  it('refuses references into other files, and beyond a file', async () => {
    const opened = await openSafetensors(folder(contents).files);
    const ref = opened.tensors.get('t0')!;
    await expect(opened.read({ ...ref, file: '../secret' })).rejects.toThrow(
      "../secret: tensor t0: expected one of the checkpoint's 100 files, found another file",
    );
    await expect(opened.read({ ...ref, end: ref.end + 1 })).rejects.toThrow(
      /^0\.safetensors: expected a range within its \d+ bytes/,
    );
    const single = await openSafetensorsFile(createByteSource(shard('a')), 'a.safetensors');
    await expect(single.read({ ...ref, file: 'b.safetensors' })).rejects.toThrow(
      "b.safetensors: tensor t0: expected one of the checkpoint's 1 files, found another file",
    );
  });
});
