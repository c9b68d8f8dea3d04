import { expect, it } from 'vitest';
import { rope } from './rope.ts';

/** (x + iy) * e^(i * angle), as complex multiplication is defined. */
function rotated(x: number, y: number, angle: number): [number, number] {
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  return [x * c - y * s, x * s + y * c];
}

it('turns features j and j + d as one complex number, by position times frequency', () => {
  // Two heads of four features at positions 3 and 10.
  const value = Float32Array.of(1, 2, 3, 4, 0.5, -1, 0, 2, 1, 0, 0, 1, 7, 5, -3, 2);
  const before = [...value];
  rope(value, Int32Array.of(3, 10), { headSize: 4, inverseFrequencies: [0.7, 0.01], attentionFactor: 1 });
  for (const [row, position] of [3, 10].entries()) {
    for (const head of [0, 4]) {
      for (const [j, frequency] of [0.7, 0.01].entries()) {
        const first = row * 8 + head + j;
        const [x, y] = rotated(before[first]!, before[first + 2]!, position * frequency);
        expect(value[first]).toBeCloseTo(x, 6);
        expect(value[first + 2]).toBeCloseTo(y, 6);
      }
    }
  }
});

it('leaves position 0 alone and a quarter turn swaps the coordinates', () => {
  const value = Float32Array.of(1, 2, 1, 2);
  rope(value, Int32Array.of(0, 1), { headSize: 2, inverseFrequencies: [Math.PI / 2], attentionFactor: 1 });
  expect([...value.slice(0, 2)]).toEqual([1, 2]);
  expect(value[2]).toBeCloseTo(-2, 6);
  expect(value[3]).toBeCloseTo(1, 6);
});

it('leaves features past 2d as they are and scales only what it turns', () => {
  const value = Float32Array.of(1, 2, 3, 4, 5);
  rope(value, Int32Array.of(0), { headSize: 5, inverseFrequencies: [0.3, 0.2], attentionFactor: 1.5 });
  expect([...value]).toEqual([1.5, 3, 4.5, 6, 5]);
});

it('turns neighbours where it is interleaved, from the offset on, and nothing else', () => {
  // Two heads of seven features: two plain ones, two pairs, one that is left over.
  const value = Float32Array.of(9, 8, 1, 2, 3, 4, 7, -9, -8, 0.5, -1, 0, 2, -7);
  const before = [...value];
  rope(value, Int32Array.of(3), {
    headSize: 7,
    inverseFrequencies: [0.7, 0.01],
    attentionFactor: 1,
    interleaved: true,
    offset: 2,
  });
  for (const head of [0, 7]) {
    for (const [j, frequency] of [0.7, 0.01].entries()) {
      const first = head + 2 + 2 * j;
      const [x, y] = rotated(before[first]!, before[first + 1]!, 3 * frequency);
      expect(value[first]).toBeCloseTo(x, 6);
      expect(value[first + 1]).toBeCloseTo(y, 6);
    }
    for (const feature of [0, 1, 6]) expect(value[head + feature]).toBe(before[head + feature]);
  }
});
