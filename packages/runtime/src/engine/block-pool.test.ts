import { describe, expect, it } from 'vitest';
import { createBlockPool } from './block-pool.ts';

describe('createBlockPool', () => {
  it('gives blocks as tokens need them and never the same one twice', () => {
    const pool = createBlockPool(4, 16);
    const first: number[] = [];
    const second: number[] = [];
    expect(pool.grow(first, 17)).toBe(true);
    expect(pool.grow(first, 32)).toBe(true);
    expect(pool.grow(second, 32)).toBe(true);
    expect(new Set([...first, ...second]).size).toBe(4);
    expect(pool.free).toBe(0);
  });

  it('takes nothing when not all can be had', () => {
    const pool = createBlockPool(2, 16);
    const blocks: number[] = [];
    expect(pool.grow(blocks, 33)).toBe(false);
    expect(blocks).toEqual([]);
    expect(pool.free).toBe(2);
  });

  it('takes blocks back', () => {
    const pool = createBlockPool(3, 1);
    const blocks: number[] = [];
    pool.grow(blocks, 3);
    pool.release(blocks);
    expect(blocks).toEqual([]);
    expect(pool.free).toBe(3);
  });
});
