import { describe, expect, it } from 'vitest';
import { byteCount, decimalNumber, tokenCount, wholeNumber } from './parse-number.ts';

describe('number options', () => {
  it.each([
    ['8192', 8192],
    ['8k', 8000],
    ['8K', 8192],
    ['1M', 1_048_576],
  ])('%s tokens', (text, value) => expect(tokenCount(text)).toBe(value));

  it.each(['0', '-1', '8kb', '1.5k', '', '99999999999999999M'])('%j is no number of tokens', (text) => {
    expect(() => tokenCount(text)).toThrow('Expected a number of tokens: 8192, 8k (8,000) or 8K (8,192).');
  });

  it.each([
    ['4096', 4096],
    ['6GiB', 6 * 2 ** 30],
    ['1.5 mib', 1.5 * 2 ** 20],
    ['2GB', 2e9],
  ])('%s are bytes', (text, value) => expect(byteCount(text)).toBe(value));

  it.each(['0', '-1', '8K', '1e3', '', '0x10', 'GiB', '9999999999GiB'])('%j is no number of bytes', (text) => {
    expect(() => byteCount(text)).toThrow('Expected a number of bytes: 6442450944, 6GiB or 512MiB.');
  });

  it.each(['1.5', '', 'x', '0x10', '1e3', 'NaN', '5'])('%j is no whole number from -1 to 4', (text) => {
    expect(() => wholeNumber({ min: -1, max: 4 })(text)).toThrow('Expected a whole number from -1 up to 4.');
  });

  it.each(['0', '2.1', 'Infinity', '.', '1,5'])('%j is no number above 0 up to 2', (text) => {
    expect(() => decimalNumber({ above: 0, max: 2 })(text)).toThrow('Expected a number above 0 up to 2.');
  });

  it('reads decimals in every usual spelling', () => {
    expect(['.5', '0.5', '5e-1', '-2', '1.'].map(decimalNumber({}))).toEqual([0.5, 0.5, 0.5, -2, 1]);
  });
});
