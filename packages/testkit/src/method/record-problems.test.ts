import { deepFreeze } from '@lowbit/core';
import { describe, expect, it } from 'vitest';
import { recordProblems } from './record-problems.ts';

describe('recordProblems', () => {
  it('none in a plain frozen record', () => {
    expect(
      recordProblems(deepFreeze({ kind: 'linear', shape: [1, 2], add: { value: -8 }, ok: true, no: null })),
    ).toEqual([]);
  });

  it.each<[unknown, string]>([
    [{ weight: Object.freeze({ shape: [1] }) }, 'description is not frozen,description.weight.shape is not frozen'],
    [Object.freeze({ a: undefined }), 'description.a is undefined'],
    [Object.freeze({ a: () => 1 }), 'description.a is a function'],
    [Object.freeze({ a: 1n }), 'description.a is a bigint'],
    [Object.freeze({ a: Number.NaN }), 'description.a is NaN, which JSON cannot hold'],
    [Object.freeze([new Map()]), 'description.0 is no plain record'],
  ])('%#', (value, problems) => {
    expect(recordProblems(value).join()).toBe(problems);
  });
});
