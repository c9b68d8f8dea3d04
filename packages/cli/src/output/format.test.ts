import { describe, expect, it } from 'vitest';
import { count, formatBytes, formatSeconds, formatSignificant } from './format.ts';

describe('formats for people', () => {
  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1.00 KiB'],
    [6_669_936, '6.36 MiB'],
    [150 * 2 ** 30, '150 GiB'],
    [2 ** 60, '1048576 TiB'],
  ])('%d bytes', (bytes, text) => expect(formatBytes(bytes)).toBe(text));

  it.each([
    [0.4213, '0.42 s'],
    [12.34, '12.3 s'],
    [185.9, '3 min 5 s'],
  ])('%d seconds', (seconds, text) => expect(formatSeconds(seconds)).toBe(text));

  it.each([
    [0.5, '0.50'],
    [98.76, '98.8'],
    [983.4, '983'],
  ])('three digits of %d', (value, text) => expect(formatSignificant(value)).toBe(text));

  it('counts', () =>
    expect([count(1, 'token'), count(2, 'token'), count(0, 'entry', 'entries')]).toEqual([
      '1 token',
      '2 tokens',
      '0 entries',
    ]));
});
