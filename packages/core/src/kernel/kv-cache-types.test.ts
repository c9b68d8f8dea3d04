import { expect, it } from 'vitest';
import type { KvCacheDescription } from '../description.ts';
import type { ElementType } from '../element-type.ts';
import { formatRefusal } from '../refusal.ts';
import { approximateCache, kvCacheTypes, refuseCache } from './kv-cache-types.ts';

const cacheOf = (type: ElementType): KvCacheDescription => ({
  kind: 'kvCache',
  module: 'self_attn',
  scheme: 'test',
  type,
  numKvHeads: 2,
  headSize: 3,
});

it('refuses types that no cache keeps, and i8 without scales', () => {
  const refused = kvCacheTypes.filter((type) => refuseCache(cacheOf(type), 'test/paged'));
  expect(refused).toEqual(['i8']);
  const texts = (['f64', 'i8'] as const).map((type) => formatRefusal(refuseCache(cacheOf(type), 'test/paged')!));
  expect(texts).toEqual([
    'test/paged: keys and values as f64, keeps f32, f16, bf16, f8e4m3, f8e5m2, i8 (Keep them as f32.)',
    'test/paged: keys and values as i8 without scales',
  ]);
});

it('says that numerics exact do not quantize', () => {
  const notes = kvCacheTypes.map((type) => approximateCache(cacheOf(type), 'exact'));
  const kept = (type: string) => `keys and values stay f32, where the checkpoint keeps them as ${type}`;
  expect(notes).toEqual([undefined, undefined, undefined, kept('f8e4m3'), kept('f8e5m2'), kept('i8')]);
  for (const type of kvCacheTypes) expect(approximateCache(cacheOf(type), 'faithful')).toBeUndefined();
});
