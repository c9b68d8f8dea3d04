import { describe, expect, it } from 'vitest';
import { choosePacking, type LibraryVersion } from './word-packing.ts';

const v017: LibraryVersion = [0, 17];
const v018: LibraryVersion = [0, 18];
const axis = (count: number, words: number | undefined) => ({ count, words });

describe('choosePacking', () => {
  it.each<[string, number, LibraryVersion | undefined, number, number | undefined, object]>([
    ['sizes alone: dense', 3, undefined, 4096, 384, { packing: 'dense', guessed: false }],
    ['sizes alone: legacy', 3, undefined, 4096, 410, { packing: 'legacy', guessed: false }],
    ['sizes that fit both, new version', 3, v018, 12, 2, { packing: 'dense', guessed: false }],
    ['sizes that fit both, version 1.0', 3, [1, 0], 12, 2, { packing: 'dense', guessed: false }],
    ['sizes that fit both, old version', 3, v017, 12, 2, { packing: 'legacy', guessed: false }],
    ['sizes that fit both, no version', 3, undefined, 12, 2, { packing: 'legacy', guessed: true }],
    [
      'a version that the sizes contradict',
      5,
      v018,
      4096,
      683,
      { packing: 'legacy', guessed: false, against: 'dense' },
    ],
    [
      'an old version that the sizes contradict',
      6,
      v017,
      4096,
      768,
      { packing: 'dense', guessed: false, against: 'legacy' },
    ],
    ['sizes that fit neither, new version', 3, v018, 4096, 7, { packing: 'dense', guessed: false }],
    ['a width that divides 32', 4, undefined, 12, 2, { packing: 'dense', guessed: false }],
  ])('%s', (_, bits, version, count, words, expected) => {
    expect(choosePacking(bits, version, [axis(count, words)])).toEqual(expected);
  });

  it('zero points settle what the weight leaves open', () => {
    expect(choosePacking(3, undefined, [axis(12, 2), axis(64, 6)]).packing).toBe('dense');
    expect(choosePacking(3, undefined, [axis(12, 2), axis(64, 7)]).packing).toBe('legacy');
    expect(choosePacking(3, undefined, [axis(12, 2), axis(64, undefined)])).toMatchObject({ guessed: true });
  });

  it('wrong zero points do not unsettle the weight', () => {
    expect(choosePacking(3, undefined, [axis(64, 6), axis(64, 99)]).packing).toBe('dense');
  });
});
