import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { weightProblem } from './weight-problem.ts';

const values = Float32Array.of(1, -0, 3);
const bytes = new Uint8Array(values.buffer);
const sha256 = createHash('sha256').update(bytes).digest('hex');

describe('weightProblem', () => {
  it('none', () => {
    expect(weightProblem(values, { bytes, sha256 })).toBeUndefined();
  });

  it.each([
    [{ bytes: new Uint8Array(Float32Array.of(1, 0, 3).buffer) }, 'element 1 is -0, recorded is 0'],
    [{ bytes: bytes.slice(0, 8) }, '3 numbers, recorded are 2'],
    [{ bytes, sha256: 'abc' }, `SHA-256 ${sha256}, recorded is abc`],
  ])('%#', (recorded, problem) => {
    expect(weightProblem(values, recorded)).toBe(problem);
  });
});
