import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LowbitError } from './errors/lowbit-error.ts';
import { compileRegex } from './linear-regex.ts';

const layer = 'model.layers.12.mlp.gate_proj';

describe('compileRegex', () => {
  it.each<[string, string, start: boolean, whole: boolean]>([
    ['.*\\.(?:1[0-5])\\..*', layer, true, true],
    ['layers', layer, false, false],
    ['model', layer, true, false],
    ['^model\\.layers\\.\\d+\\.mlp\\.(gate|up)_proj$', layer, true, true],
    ['\\Amodel.*proj\\Z', layer, true, true],
    ['model.*proj\\z', layer, true, true],
    ['(?P<block>model)\\.(?<list>layers)', layer, true, false],
    ['(?i)MODEL\\.Layers\\.[0-9]{2}', layer, true, false],
    ['(?i)[^A]', 'a', false, false],
    ['model\\.\\w+\\.\\d{1,2}?\\.\\S+', layer, true, true],
    ['model.layers.{4}mlp', 'model.layers.12.mlp', true, true],
    ['.*\\bgate', layer, true, false],
    ['.*\\bproj', layer, false, false],
    ['.*\\Bproj', layer, true, true],
    ['', layer, true, false],
    ['', '', true, true],
    ['a|', '', true, true],
    // As Python reads them, and JavaScript does not.
    ['[]a]+', 'a]a', true, true],
    ['[^]a]', ']', false, false],
    ['a{,2}', 'aa', true, true],
    ['a{,2}b', 'aaab', false, false],
    ['a{x}', 'a{x}', true, true],
    ['{}', '{}', true, true],
    ['[a-]+', 'a-a', true, true],
    ['[\\w.-]+', layer, true, true],
    ['\\x61\\u0062\\t', 'ab\t', true, true],
    ['.', '\n', false, false],
    ['(?s).', '\n', true, true],
    ['.', '\u{1f600}', true, true],
    ['\\w', '\u00e9', true, true],
    ['(a*)*b', 'aaab', true, true],
    ['(^)*a', 'a', true, true],
    ['a{2}', 'a', false, false],
    ['(ab){2,}', 'ababab', true, true],
  ])('%s on %j: from the start %s, whole %s', (pattern, name, start, whole) => {
    const regex = compileRegex(pattern);
    expect([regex.matchesStart(name), regex.matchesWhole(name)]).toEqual([start, whole]);
  });

  it.each<[string, place: number, problem: string]>([
    ['a(?=b)', 2, 'lookahead is not supported'],
    ['(?!b)', 1, 'lookahead is not supported'],
    ['(?<=b)', 1, 'lookbehind is not supported'],
    ['(?<!b)', 1, 'lookbehind is not supported'],
    ['(?>b)', 1, 'an atomic group is not supported'],
    ['(a)\\1', 4, 'a back-reference is not supported'],
    ['(?P=n)', 1, 'a back-reference is not supported'],
    ['(?R)', 1, 'recursion is not supported'],
    ['(?|a)', 1, 'a branch reset is not supported'],
    ['(?#a)', 1, 'a comment is not supported'],
    ['(?(1)a)', 1, 'a conditional is not supported'],
    ['(*FAIL)', 1, 'a verb is not supported'],
    ['(?m)a', 1, 'the flag m is not supported'],
    ['a(?i)b', 2, 'this kind of group is not supported'],
    ['a*+', 3, 'a possessive repeat is not supported'],
    ['\\p{L}', 1, 'the escape \\p is not supported'],
    ['[[:alpha:]]', 2, 'a POSIX class is not supported'],
    ['a{1001}', 2, 'a repeat of more than 1000 is not supported'],
    [`${'('.repeat(101)}`, 101, 'more than 100 groups inside each other is not supported'],
    ['(((){1000}){1000}){1000}', 1, 'too large: it expands to more than 10000 steps'],
    ['((a{1000}){1000}){1000}', 1, 'too large: it expands to more than 10000 steps'],
    ['(', 1, '"(" without ")"'],
    ['a)', 2, '")" without "("'],
    ['[a', 1, '"[" without "]"'],
    ['[a-', 2, '"[" without "]"'],
    ['[]', 1, '"[" without "]"'],
    ['[z-a]', 2, 'a malformed range'],
    ['[a-\\d]', 2, 'a malformed range'],
    ['*', 1, 'nothing to repeat'],
    ['a|+', 3, 'nothing to repeat'],
    ['^*', 2, 'a repeat of an anchor'],
    ['a**', 3, 'a repeat of a repeat'],
    ['a{2,1}', 2, 'a repeat whose maximum is less than its minimum'],
    ['a\\', 2, 'a backslash at the end'],
  ])('%s: character %i: %s', (pattern, place, problem) => {
    const compile = () => compileRegex(pattern);
    expect(compile).toThrow(LowbitError);
    expect(compile).toThrow(
      `regular expression ${JSON.stringify(pattern)}, character ${place}: ${problem}\nNames are matched by literals, classes, groups, alternatives, repeats and anchors.`,
    );
    expect(compile).toThrow(expect.objectContaining({ code: 'REGEX' }));
  });

  it('refuses very long patterns, and shows their beginning', () => {
    const pattern = 'a'.repeat(10_001);
    expect(() => compileRegex(pattern)).toThrow(
      `regular expression "${'a'.repeat(200)}...", character 1: more than 10000 characters are not supported`,
    );
    expect(compileRegex('a'.repeat(9000)).matchesWhole('a'.repeat(9000))).toBe(true);
  });

  it.each(['(a+)+$', '(a|aa)+$', '(a|a?)+$', '(.*a){20}$', '([a-z]+)*\\.$', '((a*)*)*$'])(
    'answers at once where backtracking would not: %s',
    (pattern) => {
      const name = `${'a'.repeat(5000)}!`;
      expect(compileRegex(pattern).matchesStart(name)).toBe(false);
    },
  );
});

const atom = fc.oneof(
  fc.constantFrom('a', 'b', '1', '_', '\\.', '.', '\\d', '\\D', '\\w', '\\W', '\\s', '\\S', '\\-'),
  fc.constantFrom('[ab]', '[^ab]', '[a-b1]', '[^\\d]', '[\\w.]', '[.-]', '[^a-z]'),
);
const { regex: expression } = fc.letrec<{ regex: string; sequence: string; repeated: string; group: string }>(
  (tie) => ({
    regex: fc.oneof(
      { weight: 3, arbitrary: tie('sequence') },
      fc.tuple(tie('sequence'), tie('sequence')).map(([left, right]) => `${left}|${right}`),
    ),
    sequence: fc.array(tie('repeated'), { maxLength: 4 }).map((parts) => parts.join('')),
    repeated: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.constantFrom('^', '$', '\\b', '\\B'),
      fc
        .tuple(tie('group'), fc.constantFrom('', '', '*', '+', '?', '{2}', '{1,2}', '{0,3}', '{1,}', '*?', '+?', '??'))
        .map(([body, repeat]) => body + repeat),
    ),
    group: fc.oneof(
      { depthSize: 'small', maxDepth: 3, withCrossShrink: true },
      atom,
      fc.tuple(fc.constantFrom('(', '(?:'), tie('regex')).map(([opening, body]) => `${opening}${body})`),
    ),
  }),
);
const name = fc.string({ unit: fc.constantFrom('a', 'b', '1', '_', '.', '-', 'B'), maxLength: 7 });

describe("against JavaScript's own engine", () => {
  it.each(['', 'i'])('random expressions on random names, flags %j', (flags) => {
    fc.assert(
      fc.property(expression, fc.array(name, { minLength: 5, maxLength: 5 }), (source, names) => {
        const ours = compileRegex(flags === '' ? source : `(?${flags})${source}`);
        const start = new RegExp(`^(?:${source})`, flags);
        const whole = new RegExp(`^(?:${source})$`, flags);
        for (const text of names) {
          expect([ours.matchesStart(text), ours.matchesWhole(text)]).toEqual([start.test(text), whole.test(text)]);
        }
      }),
      { numRuns: 1000 },
    );
  });
});
