import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseSafetensorsIndex } from './parse-index.ts';
import { SafetensorsError } from './safetensors-error.ts';

const parse = (text: string) => parseSafetensorsIndex(new TextEncoder().encode(text), 'model.safetensors.index.json');

describe('parseSafetensorsIndex', () => {
  it('lists files once, in order, and keeps odd tensor names', () => {
    const { shards, shardOf } = parse(
      '{"metadata":{"total_size":5},"weight_map":{"b":"2.safetensors","__proto__":"1.safetensors","c":"2.safetensors"}}',
    );
    expect(shards).toEqual(['2.safetensors', '1.safetensors']);
    expect([...shardOf]).toEqual([
      ['b', '2.safetensors'],
      ['__proto__', '1.safetensors'],
      ['c', '2.safetensors'],
    ]);
  });

  it.each([
    '../1.safetensors',
    '/etc/1.safetensors',
    'sub/1.safetensors',
    '..\\1.safetensors',
    'C:1.safetensors',
    '1.safetensors\0.safetensors',
    '1.safetensors:stream.safetensors',
    '1\n.safetensors',
    '..',
    '',
    'config.json',
    1,
    null,
    ['1.safetensors'],
  ])('refuses the file name %j', (name) => {
    const error = (() => {
      try {
        return parse(JSON.stringify({ weight_map: { 'a.weight': name } }));
      } catch (reason) {
        return reason;
      }
    })();
    expect(error).toBeInstanceOf(SafetensorsError);
    expect((error as Error).message).toMatch(
      /^model\.safetensors\.index\.json: tensor a\.weight: expected the name of a \.safetensors file beside the index, found /,
    );
  });

  it.each([
    ['[]', 'expected a JSON object, found a list'],
    ['3', 'expected a JSON object, found 3'],
    ['{"weight_map"', 'expected a JSON object, found malformed JSON'],
    ['{}', 'expected a weight_map of tensor names to file names, found nothing'],
    ['{"weight_map":[]}', 'expected a weight_map of tensor names to file names, found []'],
    ['{"weight_map":{}}', 'expected at least one tensor, found an empty weight_map'],
    ['{"weight_map":{"a":"1.safetensors","a":"2.safetensors"}}', 'expected every name once, found a twice'],
  ])('%s', (text, message) => {
    expect(() => parse(text)).toThrow(`model.safetensors.index.json: ${message}`);
  });

  it('refuses more files than any model has', () => {
    const map = Object.fromEntries(Array.from({ length: 10_001 }, (_, at) => [`t${at}`, `${at}.safetensors`]));
    expect(() => parse(JSON.stringify({ weight_map: map }))).toThrow(
      'model.safetensors.index.json: tensor t10000: expected at most 10000 files, found more',
    );
  });

  it('throws nothing but its own error', () => {
    const weightMap = fc.oneof(fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.jsonValue())), fc.jsonValue());
    fc.assert(
      fc.property(
        fc.oneof(
          fc.json(),
          weightMap.map((map) => JSON.stringify({ weight_map: map })),
        ),
        (text) => {
          try {
            for (const shard of parse(text).shards) expect(shard).toMatch(/^[^/\\:]+$/);
          } catch (error) {
            expect(error).toBeInstanceOf(SafetensorsError);
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});
