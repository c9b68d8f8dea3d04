import { type ElementType, formatRefusal, type KvCacheDescription, type Numerics, plain } from '@lowbit/core';
import { syntheticTensor, tensorReader } from '@lowbit/testkit';
import { expect, it } from 'vitest';
import { paged } from './paged.ts';
import { createPagedCache } from './paged-cache.ts';
import { createRounders } from './round-element.ts';

const device = { kind: 'cpu', name: 'test' };
const describeCache = (type: ElementType, more: Partial<KvCacheDescription> = {}): KvCacheDescription => ({
  kind: 'kvCache',
  module: 'self_attn',
  scheme: 'test',
  type,
  numKvHeads: 2,
  headSize: 3,
  ...more,
});

const noTensors = () => {
  throw new Error('no tensor to read');
};

function createCache(description: KvCacheDescription, numerics: Numerics = 'faithful') {
  return createPagedCache(description, { blockSize: 4, blocks: 5 }, createRounders(description, numerics, noTensors));
}

it.each(['f32', 'f16', 'bf16', 'f8e4m3', 'f8e5m2'] as const)('keeps %s', (type) => {
  expect(paged.refuse(describeCache(type), device, 'faithful')).toBeUndefined();
});

it('refuses other types, and i8 without scales', () => {
  const refusal = paged.refuse(describeCache('f64'), device, 'faithful');
  expect(refusal && formatRefusal(refusal)).toBe(
    'reference/paged: keys and values as f64, keeps f32, f16, bf16, f8e4m3, f8e5m2, i8 (Keep them as f32.)',
  );
  expect(paged.refuse(describeCache('i8'), device, 'faithful')).toMatchObject({ code: 'KV_CACHE_SCALE' });
});

it('takes two times heads times features of f32 a token', () => {
  const cache = createCache(describeCache('f16'));
  expect(paged.bytes(describeCache('f16')) * 4 * 5).toBe(cache.keys.byteLength + cache.values.byteLength);
});

it('puts a token where the block table says, rounded to the type', () => {
  const cache = createCache(describeCache('bf16'));
  const blocks = Int32Array.of(3, 1);
  const token = Float32Array.of(1, 1 + 2 ** -8, 1 / 3, -2, 1e-3, 300.7);
  cache.write(blocks, 6, token, token);
  const slot = 1 * 4 + 2;
  expect(cache.slots(blocks, 7)[6]).toBe(slot);
  const start = slot * 6;
  expect([...cache.keys.slice(start, start + 6)]).toEqual([1, 1, 0.333984375, -2, 0.00099945068359375, 300]);
  expect(cache.values).toEqual(cache.keys);
  expect(cache.keys.filter((x) => x !== 0)).toHaveLength(6);
});

const vector = (name: string, values: readonly number[]) =>
  syntheticTensor(
    name,
    { type: 'f32', dtype: 'F32', shape: [values.length], layout: plain('out') },
    [['out', values.length]],
    values,
  );

it('keeps values with heads of another size, each part scaled by its own table', () => {
  const key = vector('key_scale', [1, 2]);
  const value = vector('value_scale', [4, 8]);
  const description = describeCache('i8', {
    valueHeadSize: 2,
    quantization: {
      key: { scale: { ...key.stored, block: [3, 1] } },
      value: { scale: { ...value.stored, block: [2, 1] } },
    },
  });
  const rounders = createRounders(description, 'faithful', tensorReader([key, value]));
  const cache = createPagedCache(description, { blockSize: 4, blocks: 5 }, rounders);
  expect(paged.bytes(description)).toBe(4 * (6 + 4));
  expect(cache.keys.byteLength + cache.values.byteLength).toBe(paged.bytes(description) * 4 * 5);
  cache.write(Int32Array.of(2), 1, Float32Array.of(1, 2, 3, 4, 5, 6), Float32Array.of(7, 9, 11, 13));
  const slot = 2 * 4 + 1;
  // 5 / 2 goes to the even 2.
  expect([...cache.keys.slice(slot * 6, slot * 6 + 6)]).toEqual([1, 2, 3, 4, 4, 6]);
  expect([...cache.values.slice(slot * 4, slot * 4 + 4)]).toEqual([8, 8, 8, 16]);
});

it('divides by a scale per tensor, head or feature, rounds and comes back; exact leaves all as it is', () => {
  const perTensor = vector('k.scale', [0.5]);
  const perHead = vector('v.scale', [0.25, 2]);
  const description = describeCache('f8e4m3', {
    quantization: {
      key: { scale: { ...perTensor.stored, block: [6, 1] } },
      value: { scale: { ...perHead.stored, block: [3, 1] } },
    },
  });
  const read = tensorReader([perTensor, perHead]);
  const { key, value } = createRounders(description, 'faithful', read);
  expect(key(8.6, 5)).toBe(8.5 + 0.5); // 17.2 lies between 16 and 18, nearer to 18
  expect(key(1e6, 0)).toBe(448 * 0.5);
  expect([value(4.25, 2), value(34, 3)]).toEqual([4, 32]); // 17 rounds to 16 with either scale
  expect(createRounders(description, 'exact', read).key(8.6, 5)).toBe(Math.fround(8.6));
  expect(paged.approximation?.(description, 'exact')).toBe(
    'keys and values stay f32, where the checkpoint keeps them as f8e4m3',
  );
  expect(paged.approximation?.(description, 'faithful')).toBeUndefined();
});

it('adds a zero point to integers', () => {
  const scale = vector('scale', [1, 0.5, 1, 1, 1, 1]);
  const zero = vector('zero', [0, -100, 0, 0, 0, 0]);
  const table = { scale: { ...scale.stored, block: [1, 1] }, zero: { ...zero.stored, block: [1, 1] } } as const;
  const description = describeCache('i8', { quantization: { key: table, value: table } });
  const { key } = createRounders(description, 'faithful', tensorReader([scale, zero]));
  expect([key(2.5, 0), key(1000, 0), key(100, 1), key(-100, 1)]).toEqual([2, 127, 100, -14]);
});
