import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createByteSource } from './byte-source.ts';
import { parseSafetensorsHeader } from './parse-header.ts';
import { SafetensorsError } from './safetensors-error.ts';
import { writeSafetensors } from './write-safetensors.ts';

const file = 'model.safetensors';

/** A file with this header text and this many bytes behind it. */
function fileOf(header: string | object, dataBytes = 0, length?: bigint): Uint8Array {
  const json = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + json.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, length ?? BigInt(json.length), true);
  bytes.set(json, 8);
  return bytes;
}

function parse(bytes: Uint8Array) {
  return parseSafetensorsHeader(createByteSource(bytes), file);
}

const entry = (dtype: unknown, shape: unknown, ...offsets: unknown[]) => ({ dtype, shape, data_offsets: offsets });

describe('a good file', () => {
  it('gives references in the order of their bytes, and metadata', async () => {
    const bytes = fileOf(
      {
        later: entry('F32', [2, 1], 4, 12),
        __metadata__: { format: 'pt', __proto__x: 'y' },
        first: entry('I16', [2], 0, 4),
      },
      12,
    );
    const start = bytes.length - 12;
    const { tensors, metadata } = await parse(bytes);
    expect([...tensors.keys()]).toEqual(['first', 'later']);
    expect(tensors.get('later')).toEqual({
      name: 'later',
      dtype: 'F32',
      shape: [2, 1],
      file,
      start: start + 4,
      end: start + 12,
    });
    expect([...metadata]).toEqual([
      ['format', 'pt'],
      ['__proto__x', 'y'],
    ]);
  });

  it('may hold scalars, empty tensors, sub-byte types, names like __proto__, or nothing', async () => {
    const header =
      '{"__proto__":{"dtype":"F4","shape":[3,2],"data_offsets":[0,3]},' +
      '"constructor":{"dtype":"F32","shape":[],"data_offsets":[3,7]},' +
      '"f6":{"dtype":"F6_E2M3","shape":[4],"data_offsets":[7,10]},' +
      '"empty":{"dtype":"F32","shape":[0,5],"data_offsets":[7,7]}}   ';
    const { tensors } = await parse(fileOf(header, 10));
    expect([...tensors.keys()]).toEqual(['__proto__', 'constructor', 'empty', 'f6']);
    expect((await parse(fileOf('{}'))).tensors.size).toBe(0);
    expect((await parse(fileOf({ __metadata__: {} }))).metadata.size).toBe(0);
  });
});

describe('the header as a whole', () => {
  it.each<[string, Uint8Array, string]>([
    [
      'empty file',
      new Uint8Array(0),
      'expected a safetensors file, at least 8 bytes, found 0 bytes\nThe file is cut short: download it again.',
    ],
    [
      'length of a gigabyte',
      fileOf('{}', 0, 2n ** 30n),
      'expected a header of at most 25000000 bytes, found a length of 1073741824\nIt may be no safetensors file.',
    ],
    ['largest length', fileOf('{}', 0, 2n ** 64n - 1n), 'found a length of 18446744073709551615'],
    [
      'length beyond the file',
      fileOf('{}', 0, 3n),
      'expected a header of 3 bytes, found a file of 10 bytes\nThe file is cut short: download it again.',
    ],
    ['no header', fileOf(''), 'expected a JSON object, found an empty header'],
    ['list', fileOf('[]'), 'expected a JSON object, found something else'],
    ['space before', fileOf(' {}'), 'expected a JSON object, found something else'],
    ['broken JSON', fileOf('{"a":'), 'expected a JSON object, found malformed JSON'],
    ['not UTF-8', fileOf('{"a":1}').with(10, 0xff), 'expected JSON in UTF-8, found bytes that are not UTF-8'],
    ['name twice', fileOf('{"a":{},"a":{}}'), 'expected every name once, found a twice'],
    ['name twice, spelt in two ways', fileOf('{"a":{}, "\\u0061" : {}}'), 'expected every name once, found a twice'],
    ['unending name', fileOf('{"a'), 'expected a JSON object, found malformed JSON'],
    ['deep', fileOf(`{"a":${'['.repeat(16)}${']'.repeat(16)}}`), 'expected JSON of at most 16 levels, found more'],
    ['field twice', fileOf('{"a":{"dtype":"F32","dtype":"I8"}}'), 'expected every name once, found dtype twice'],
    [
      'metadata no object',
      fileOf({ __metadata__: ['pt'] }),
      'expected __metadata__ to map names to strings, found [pt]',
    ],
    [
      'metadata no strings',
      fileOf({ __metadata__: { format: 1 } }),
      'expected __metadata__ to map names to strings, found format: 1',
    ],
    [
      'bytes at the end',
      fileOf({ a: entry('U8', [2], 0, 2) }, 5),
      'expected the file to end with its last tensor, found 3 bytes more',
    ],
    ['bytes without tensors', fileOf('{}', 3), 'found 3 bytes more'],
  ])('%s', async (_, bytes, message) => {
    const error = await parse(bytes).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(SafetensorsError);
    expect(error).toMatchObject({ code: 'SAFETENSORS_HEADER', file, tensor: undefined });
    expect((error as Error).message).toContain(message);
    expect((error as Error).message).toMatch(/^model\.safetensors: expected /);
  });

  it('a key that is a value elsewhere, and lists of equal strings, are no repetition', async () => {
    await expect(parse(fileOf('{"__metadata__":{"a":"a","b":"\\",\\"a\\":\\"","c":"\\\\"}}'))).resolves.toBeDefined();
    await expect(parse(fileOf('{"a":{"dtype":["x","x"]}}'))).rejects.toThrow('a known dtype, found [x, x]');
  });
});

describe('one tensor', () => {
  it.each<[string, object, string]>([
    ['no object', { a: 1 }, 'expected an object with dtype, shape and data_offsets, found 1'],
    ['unknown dtype', { a: entry('F3', [2], 0, 8) }, 'expected a known dtype, found F3'],
    ['dtype of a prototype', { a: entry('constructor', [2], 0, 8) }, 'expected a known dtype, found constructor'],
    ['no dtype', { a: {} }, 'expected a known dtype, found nothing'],
    ['no shape', { a: entry('F32', 2, 0, 8) }, 'expected a shape of whole numbers, found 2'],
    ['negative', { a: entry('F32', [-2, -1], 0, 8) }, 'expected a shape of whole numbers, found [-2, -1]'],
    ['fraction', { a: entry('F32', [0.5], 0, 8) }, 'expected a shape of whole numbers, found [0.5]'],
    ['text', { a: entry('F32', ['2'], 0, 8) }, 'expected a shape of whole numbers, found [2]'],
    [
      'large',
      { a: entry('F32', [2 ** 32 + 1], 0, 8) },
      'expected dimensions of at most 4294967296, found [4294967297]',
    ],
    ['no offsets', { a: { dtype: 'F32', shape: [2] } }, 'expected two data_offsets in whole bytes, found nothing'],
    ['three offsets', { a: entry('F32', [2], 0, 4, 8) }, 'expected two data_offsets in whole bytes, found [0, 4, 8]'],
    ['fraction of a byte', { a: entry('F32', [2], 0, 7.5) }, 'expected two data_offsets in whole bytes'],
    ['backwards', { a: entry('F32', [2], 8, 0) }, 'expected data_offsets in order, found [8, 0]'],
    [
      'beyond the file',
      { a: entry('F32', [4], 0, 16) },
      'expected data_offsets within the 8 bytes behind the header, found [0, 16]\nThe file is cut short: download it again.',
    ],
    ['too few bytes', { a: entry('F32', [2], 0, 4) }, 'expected 8 bytes for F32 [2], found 4 bytes'],
    ['overflowing size', { a: entry('F32', Array(8).fill(2 ** 32), 0, 8) }, 'found 8 bytes'],
    ['half a byte', { a: entry('F4', [3], 0, 2) }, 'expected 12 bits for F4 [3], found 2 bytes'],
  ])('%s', async (_, header, message) => {
    const error = await parse(fileOf(header, 8)).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'SAFETENSORS_TENSOR', file, tensor: 'a' });
    expect((error as Error).message).toContain(message);
    expect((error as Error).message).toMatch(/^model\.safetensors: tensor a: expected /);
  });

  it('must follow the one before: no overlap, no hole', async () => {
    const overlap = { a: entry('U8', [4], 0, 4), b: entry('U8', [5], 3, 8) };
    await expect(parse(fileOf(overlap, 8))).rejects.toThrow(
      'model.safetensors: tensor b: expected its bytes right behind those of a, found an overlap of 1 bytes',
    );
    const same = { a: entry('U8', [8], 0, 8), b: entry('U8', [8], 0, 8) };
    await expect(parse(fileOf(same, 8))).rejects.toThrow('tensor b: expected its bytes right behind those of a');
    const hole = { a: entry('U8', [3], 0, 3), b: entry('U8', [4], 4, 8) };
    await expect(parse(fileOf(hole, 8))).rejects.toThrow(
      'tensor b: expected its bytes right behind those of a, found a hole of 1 bytes',
    );
    await expect(parse(fileOf({ a: entry('U8', [7], 1, 8) }, 8))).rejects.toThrow(
      'tensor a: expected its bytes right behind the header, found a hole of 1 bytes',
    );
  });

  it('is named without control characters, and not at any length', async () => {
    const error = await parse(fileOf({ ['\u001b[2J\u009b\n'.repeat(100)]: 1 })).catch((reason: unknown) => reason);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that none comes through is the point
    expect((error as Error).message).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
    expect((error as Error).message.length).toBeLessThan(1600);
  });
});

describe('whatever the bytes', () => {
  const valid = writeSafetensors(
    {
      'model.embed.weight': { dtype: 'BF16', shape: [2, 3], bytes: new Uint8Array(12) },
      'model.q_proj.qweight': { dtype: 'I32', shape: [4, 1], bytes: new Uint8Array(16).fill(7) },
      scalar: { dtype: 'F32', shape: [], bytes: new Uint8Array(4) },
    },
    { format: 'pt' },
  );

  /** Never asks for more than the file has; a header's claim must not become an allocation. */
  const boundedSource = (bytes: Uint8Array) => {
    const source = createByteSource(bytes);
    return {
      ...source,
      read(start: number, end: number) {
        if (end > bytes.length) throw new Error(`asked for bytes ${start}..${end} of ${bytes.length}`);
        return source.read(start, end);
      },
    };
  };
  const onlySafetensorsErrors = async (bytes: Uint8Array) => {
    try {
      const { tensors } = await parseSafetensorsHeader(boundedSource(bytes), file);
      for (const { end } of tensors.values()) expect(end).toBeLessThanOrEqual(bytes.length);
    } catch (error) {
      expect(error).toBeInstanceOf(SafetensorsError);
    }
  };

  it('changed, cut or repeated bytes of a good file', async () => {
    const mutation = fc.oneof(
      fc.record({ kind: fc.constant('set' as const), at: fc.nat(valid.length - 1), value: fc.nat(255) }),
      fc.record({ kind: fc.constant('cut' as const), at: fc.nat(valid.length - 1), value: fc.nat(40) }),
      fc.record({ kind: fc.constant('repeat' as const), at: fc.nat(valid.length - 1), value: fc.nat(40) }),
      fc.record({ kind: fc.constant('end' as const), at: fc.nat(valid.length), value: fc.constant(0) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(mutation, { minLength: 1, maxLength: 4 }), async (mutations) => {
        let bytes = [...valid];
        for (const { kind, at, value } of mutations) {
          if (kind === 'set' && at < bytes.length) bytes[at] = value;
          if (kind === 'cut') bytes.splice(at, value);
          if (kind === 'repeat') bytes.splice(at, 0, ...bytes.slice(at, at + value));
          if (kind === 'end') bytes = bytes.slice(0, at);
        }
        await onlySafetensorsErrors(Uint8Array.from(bytes));
      }),
      { numRuns: 1000 },
    );
  });

  it('any JSON as a header', async () => {
    const odd = fc.oneof(fc.jsonValue(), fc.integer(), fc.constantFrom('F32', 'I8', [1, 2], [0, 4], 2 ** 53, -1, null));
    const oddEntry = fc.record({ dtype: odd, shape: odd, data_offsets: odd }, { requiredKeys: [] });
    await fc.assert(
      fc.asyncProperty(fc.dictionary(fc.string(), fc.oneof(oddEntry, odd)), fc.nat(16), async (header, size) => {
        await onlySafetensorsErrors(fileOf(header, size));
      }),
      { numRuns: 500 },
    );
  });

  it('nesting as deep as it gets', async () => {
    await onlySafetensorsErrors(fileOf(`{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`));
    await onlySafetensorsErrors(fileOf(`{"a":{"dtype":"F32","shape":${'['.repeat(14)}${']'.repeat(14)}}}`));
    await onlySafetensorsErrors(fileOf('{"a":'.repeat(100_000)));
  });
});
