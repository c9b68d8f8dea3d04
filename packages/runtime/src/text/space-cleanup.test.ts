import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cleanUpSpaces, createSpaceCleaner } from './space-cleanup.ts';

describe('cleanUpSpaces', () => {
  it('takes spaces from before punctuation and contractions', () => {
    expect(cleanUpSpaces("Is n't it 's , well , it ' d be . Yes ? No ! I 'm , they 've , we 're")).toBe(
      "Isn't it's, well, it'd be. Yes? No! I'm, they've, we're",
    );
  });
});

describe('createSpaceCleaner', () => {
  it('gives what cleaning the whole text gives, whatever the pieces', () => {
    const piece = fc.string({
      unit: fc.constantFrom(' ', "'", '.', ',', 'n', 't', 's', 'm', 'v', 'r', 'e', 'x'),
      maxLength: 7,
    });
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const cleaner = createSpaceCleaner();
        const joined = pieces.map((one) => cleaner.push(one)).join('') + cleaner.finish();
        expect(joined).toBe(cleanUpSpaces(pieces.join('')));
      }),
      { numRuns: 20_000 },
    );
  });

  it('does not hold words back', () => {
    const cleaner = createSpaceCleaner();
    expect(cleaner.push('Hello')).toBe('Hello');
    expect(cleaner.push(' a')).toBe(' a');
    expect(cleaner.push(' world')).toBe(' world');
    expect(cleaner.push(' ')).toBe('');
    expect(cleaner.push('.')).toBe('');
    expect(cleaner.finish()).toBe('.');
  });
});
