import { expect, it } from 'vitest';
import { unroll } from './unroll.ts';

it('repeats lines with numbers in place of names', () => {
  const source = ['a', '// repeat r ROWS', 'r$r', '  // repeat s 2', '  x$s_$r', '  // end', '// end', 'z'].join('\n');
  expect(unroll(source, { ROWS: 2 }).split('\n')).toEqual([
    'a',
    'r0',
    '  x0_0',
    '  x1_0',
    'r1',
    '  x0_1',
    '  x1_1',
    'z',
  ]);
});

it('counts out what stands in brackets', () => {
  expect(unroll('// repeat i 2\n$(2i) $(2i+1) $(i+4)\n// end', {})).toBe('0 1 4\n2 3 5');
});

it('loops instead where that is wanted', () => {
  const source = '// loop i 2\na[$i] = 0;\n// end';
  expect(unroll(source, {})).toBe('a[0] = 0;\na[1] = 0;');
  expect(unroll(source, {}, true)).toBe('for (var i = 0u; i < 2u; i++) {\na[i] = 0;\n}');
});

it('says where an end is missing', () => {
  expect(() => unroll('a\n// repeat r 2\nb', {})).toThrow('line 2 of a shader has no // end');
});
