import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createByteSource } from './byte-source.ts';
import { openSafetensorsFile } from './open-safetensors.ts';
import { writeSafetensors } from './write-safetensors.ts';

describe('writeSafetensors', () => {
  it('writes what the format says, byte for byte', () => {
    const bytes = writeSafetensors(
      {
        b: { dtype: 'U8', shape: [3], bytes: Uint8Array.of(1, 2, 3) },
        c: { dtype: 'F16', shape: [1], bytes: Uint8Array.of(4, 5) },
        a: { dtype: 'U8', shape: [1], bytes: Uint8Array.of(6) },
      },
      { format: 'pt' },
    );
    const header =
      '{"__metadata__":{"format":"pt"},' +
      '"c":{"dtype":"F16","shape":[1],"data_offsets":[0,2]},' +
      '"a":{"dtype":"U8","shape":[1],"data_offsets":[2,3]},' +
      '"b":{"dtype":"U8","shape":[3],"data_offsets":[3,6]}}';
    const padded = header.padEnd(Math.ceil(header.length / 8) * 8);
    expect(padded.length).toBeGreaterThan(header.length);
    expect([...bytes.subarray(0, 8)]).toEqual([padded.length, 0, 0, 0, 0, 0, 0, 0]);
    expect(new TextDecoder().decode(bytes.subarray(8, 8 + padded.length))).toBe(padded);
    expect([...bytes.subarray(8 + padded.length)]).toEqual([4, 5, 6, 1, 2, 3]);
  });

  it('is read back as it was given, whatever the names', async () => {
    const tensor = fc.record({
      dtype: fc.constantFrom('U8', 'I8', 'F8_E4M3'),
      bytes: fc.uint8Array({ maxLength: 9 }),
    });
    const names = fc.string({ unit: 'binary' }).filter((name) => name !== '__metadata__');
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(fc.tuple(names, tensor), { selector: ([name]) => name }), async (entries) => {
        const given = new Map(
          entries.map(([name, { dtype, bytes }]) => [name, { dtype, bytes, shape: [bytes.length] }] as const),
        );
        const file = await openSafetensorsFile(createByteSource(writeSafetensors(given)), 'x.safetensors');
        expect(new Set(file.tensors.keys())).toEqual(new Set(given.keys()));
        for (const [name, { dtype, shape, bytes }] of given) {
          const ref = file.tensors.get(name)!;
          expect([ref.dtype, ref.shape]).toEqual([dtype, shape]);
          expect([...(await file.read(ref))]).toEqual([...bytes]);
        }
      }),
    );
  });

  it('refuses tensors that contradict themselves', () => {
    expect(() => writeSafetensors({ a: { dtype: 'F32', shape: [2], bytes: new Uint8Array(4) } })).toThrow(
      '"file to write": tensor a: expected 8 bytes for F32 [2], found 4 bytes',
    );
    expect(() => writeSafetensors({ __metadata__: { dtype: 'U8', shape: [0], bytes: new Uint8Array(0) } })).toThrow(
      'tensor __metadata__: expected another name, found the one that the format keeps for itself',
    );
  });
});
