import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createStopMatcher } from './stop-strings.ts';

/** Reads character by character and stops where a stop string is complete. */
function searchNaively(text: string, stop: readonly string[], keepStop: boolean) {
  for (let end = 0; end <= text.length; end++) {
    const complete = stop.filter((one) => text.slice(0, end).endsWith(one)).sort((a, b) => b.length - a.length);
    const [matched] = complete;
    if (matched !== undefined) return { text: text.slice(0, keepStop ? end : end - matched.length), matched };
  }
  return { text, matched: undefined };
}

function feed(pieces: readonly string[], stop: readonly string[], keepStop: boolean) {
  const matcher = createStopMatcher(stop, keepStop);
  let text = '';
  for (const piece of pieces) {
    const step = matcher.push(piece);
    text += step.text;
    if (step.matched !== undefined) return { text, matched: step.matched };
  }
  return { text: text + matcher.finish(), matched: undefined };
}

const letters = (length: { minLength?: number; maxLength: number }) =>
  fc.string({ unit: fc.constantFrom('a', 'b', '\n'), ...length });

describe('createStopMatcher', () => {
  it('finds what a naive search finds, whatever the pieces', () => {
    fc.assert(
      fc.property(
        fc.array(letters({ maxLength: 6 }), { maxLength: 12 }),
        fc.array(letters({ minLength: 1, maxLength: 5 }), { maxLength: 4 }),
        fc.boolean(),
        (pieces, stop, keepStop) => {
          expect(feed(pieces, stop, keepStop)).toEqual(searchNaively(pieces.join(''), stop, keepStop));
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('gives out at once what no stop string begins with', () => {
    const matcher = createStopMatcher(['</s>', '\n\n'], false);
    expect(matcher.push('Hello <')).toEqual({ text: 'Hello ' });
    expect(matcher.push('/b>\n')).toEqual({ text: '</b>' });
    expect(matcher.push('x')).toEqual({ text: '\nx' });
    expect(matcher.push('\n')).toEqual({ text: '' });
    expect(matcher.finish()).toBe('\n');
  });

  it('keeps the stop string where asked', () => {
    expect(feed(['one\n', '\ntwo'], ['\n\n'], true)).toEqual({ text: 'one\n\n', matched: '\n\n' });
    expect(feed(['one\n', '\ntwo'], ['\n\n'], false)).toEqual({ text: 'one', matched: '\n\n' });
  });

  it('takes the string that is complete first', () => {
    expect(feed(['abcd'], ['abcd', 'bc'], false)).toEqual({ text: 'a', matched: 'bc' });
    expect(feed(['abc'], ['c', 'bc'], false)).toEqual({ text: 'a', matched: 'bc' });
  });

  it('passes everything on where there is nothing to look for', () => {
    expect(feed(['a', 'b'], [], false)).toEqual({ text: 'ab', matched: undefined });
  });
});
