import { expect, it } from 'vitest';
import { stretchesOf } from './stretches.ts';

it.each([
  { rows: 0, context: 0, stretches: 1, positions: 512 },
  { rows: 1, context: 512, stretches: 1, positions: 512 },
  { rows: 1, context: 1000, stretches: 4, positions: 256 },
  { rows: 1, context: 32768, stretches: 64, positions: 512 },
  { rows: 128, context: 32768, stretches: 4, positions: 8192 },
  { rows: 512, context: 4096, stretches: 1, positions: 4096 },
])('cuts a context of $context for $rows rows', ({ rows, context, ...expected }) => {
  expect(stretchesOf(rows, context, 512)).toEqual(expected);
});
