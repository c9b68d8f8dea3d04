import { type ElementType, formatRefusal, type KvCacheDescription } from '@lowbit/core';
import { expect, it } from 'vitest';
import { paged } from './paged.ts';
import { createPagedCache } from './paged-cache.ts';

const device = { kind: 'cpu', name: 'test' };
const describeCache = (type: ElementType): KvCacheDescription => ({
  kind: 'kvCache',
  module: 'self_attn',
  scheme: 'test',
  type,
  numKvHeads: 2,
  headSize: 3,
});

it.each(['f32', 'f16', 'bf16'] as const)('keeps %s', (type) => {
  expect(paged.refuse(describeCache(type), device, 'faithful')).toBeUndefined();
});

it.each(['i8', 'f8e4m3', 'f64'] as const)('refuses %s', (type) => {
  const refusal = paged.refuse(describeCache(type), device, 'faithful');
  expect(refusal && formatRefusal(refusal)).toBe(
    `reference/paged: keys and values as ${type}, keeps f32, f16, bf16 (Keep them as f32 or f16 or bf16.)`,
  );
  expect(() => createPagedCache(describeCache(type), { blockSize: 4, blocks: 1 })).toThrow(`no KV cache of ${type}`);
});

it('takes two times heads times features of f32 a token', () => {
  const cache = createPagedCache(describeCache('f16'), { blockSize: 4, blocks: 5 });
  expect(paged.bytes(describeCache('f16')) * 4 * 5).toBe(cache.keys.byteLength + cache.values.byteLength);
});

it('puts a token where the block table says, rounded to the type', () => {
  const cache = createPagedCache(describeCache('bf16'), { blockSize: 4, blocks: 5 });
  const blocks = Int32Array.of(3, 1);
  const token = Float32Array.of(1, 1 + 2 ** -8, 1 / 3, -2, 1e-3, 300.7);
  cache.write(blocks, 6, token, token);
  const start = (1 * 4 + 2) * 6;
  expect(cache.offsets(blocks, 7)[6]).toBe(start);
  expect([...cache.keys.slice(start, start + 6)]).toEqual([1, 1, 0.333984375, -2, 0.00099945068359375, 300]);
  expect(cache.values).toEqual(cache.keys);
  expect(cache.keys.filter((x) => x !== 0)).toHaveLength(6);
});
