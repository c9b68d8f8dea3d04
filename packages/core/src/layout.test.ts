import { describe, expect, it } from 'vitest';
import { packedAlongOut } from './__fixtures__/linear.ts';
import { formatLayout, type Layout, plain, quotient, remainder, whole, wordPeriod } from './layout.ts';

const packedAlongIn: Layout = {
  axes: [[quotient('in', 8)], [whole('out')]],
  packed: { bits: 4, word: 32, fields: [remainder('in', 8)] },
};
const stream: Layout = { axes: [[whole('in')], [whole('out')]], packed: { bits: 3, word: 32, stream: 0 } };

describe('formatLayout', () => {
  it.each<[Layout, string]>([
    [plain('out', 'in'), '[out, in]'],
    [plain('out', undefined), '[out, 1]'],
    [plain(), '[]'],
    [packedAlongOut, '[in, out/8] x 4-bit (out%2, out/2%4) in 32-bit words'],
    [stream, '[in, out] x 3-bit stream along dimension 0 in 32-bit words'],
    [{ ...plain('in', 'out'), add: { value: -8, carry: 'field' } }, '[in, out] - 8'],
    [{ ...packedAlongIn, add: { value: 1, carry: 'word' } }, '[in/8, out] x 4-bit (in%8) in 32-bit words + 1 per word'],
    [{ axes: [[quotient('out', 4)], [quotient('in', 64), remainder('out', 4)]] }, '[out/4, in/64 out%4]'],
  ])('%j', (layout, text) => {
    expect(formatLayout(layout)).toBe(text);
  });
});

describe('wordPeriod', () => {
  it.each<[string, Layout, 'out' | 'in', number]>([
    ['nothing packed', plain('out', 'in'), 'out', 1],
    ['fields along out', packedAlongOut, 'out', 8],
    ['fields along out', packedAlongOut, 'in', 1],
    ['fields along in', packedAlongIn, 'in', 8],
    ['3-bit stream along in', stream, 'in', 32],
    ['3-bit stream along in', stream, 'out', 1],
    ['6-bit stream', { axes: [[whole('in')]], packed: { bits: 6, word: 32, stream: 0 } }, 'in', 16],
    ['fields far apart', { axes: [], packed: { bits: 4, word: 16, fields: [remainder('in', 4, 8)] } }, 'in', 32],
  ])('%s: a word spans %s', (_, layout, axis, period) => {
    expect(wordPeriod(layout, axis)).toBe(period);
  });
});
