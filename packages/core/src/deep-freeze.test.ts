import { describe, expect, it } from 'vitest';
import { deepFreeze } from './deep-freeze.ts';

describe('deepFreeze', () => {
  it('freezes lists and records inside', () => {
    const record = deepFreeze({ shape: [1, 2], ref: { name: 'a' }, nothing: null, size: 3 });
    expect(() => Object.assign(record, { size: 4 })).toThrow(TypeError);
    expect(() => Object.assign(record.ref, { name: 'b' })).toThrow(TypeError);
    expect(() => (record.shape as number[]).push(3)).toThrow(TypeError);
  });
});
