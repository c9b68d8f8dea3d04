import { describe, expect, it } from 'vitest';
import { nearestName } from './nearest-name.ts';

const known = ['temperature', 'top_p', 'top_k', 'max_new_tokens', 'stop', 'n', 'rid'];

describe('nearestName', () => {
  it.each([
    ['temprature', 'temperature'],
    ['Temperature', 'temperature'],
    ['maxNewTokens', 'max_new_tokens'],
    ['max_new_token', 'max_new_tokens'],
    ['topp', 'top_p'],
    ['stops', 'stop'],
  ])('%s is probably %s', (name, expected) => {
    expect(nearestName(name, known)).toBe(expected);
  });

  it.each(['model', 'id', 'x', 'temperature_schedule', '', '__proto__', 't'.repeat(100_000)])(
    '%.20s resembles nothing',
    (name) => {
      expect(nearestName(name, known)).toBeUndefined();
    },
  );
});
