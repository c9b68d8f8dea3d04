import { decodeElement, encodeElement } from '@lowbit/numerics';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { powerOfTwoDivisor, type QuarkElement, type ScaleCalculationMode, scaleDivisor } from './element-formats.ts';

/** As a backend computes it: the quotient in f32, rounded to a power of two. */
function scaleOf(element: QuarkElement, mode: ScaleCalculationMode, largest: number): number {
  const divisor = powerOfTwoDivisor(element, mode);
  return divisor === undefined
    ? Number.NaN
    : decodeElement(encodeElement(Math.fround(largest / divisor), 'e8m0'), 'e8m0');
}

describe('powers of two as scales', () => {
  it.each([
    [6, 1, 1, 2],
    [6.99, 1, 1, 2],
    [7, 2, 1, 2],
    [7.5, 2, 1, 2],
    [1.75, 0.5, 0.25, 0.5],
    [1.7499, 0.25, 0.25, 0.5],
    [3.4, 0.5, 0.5, 1],
    [3.6, 1, 0.5, 1],
    [4, 1, 1, 1],
    [8, 2, 2, 2],
  ])('fp4, largest %d: even %d, floor %d, ceil %d', (largest, even, floor, ceil) => {
    const scales = (['even', 'floor', 'ceil'] as const).map((mode) => scaleOf('fp4', mode, largest));
    expect(scales).toEqual([even, floor, ceil]);
  });

  const mantissaBits = { fp4: 1, fp6_e2m3: 3, fp6_e3m2: 2, fp8_e4m3: 3, fp8_e5m2: 2 } as const;
  const emax = { fp4: 2, fp6_e2m3: 2, fp6_e3m2: 4, fp8_e4m3: 8, fp8_e5m2: 15 } as const;

  it.each(Object.keys(emax) as (keyof typeof emax)[])(
    '%s: as by the bits of the largest number, any f32',
    (element) => {
      const bits = new DataView(new ArrayBuffer(4));
      const expected = (largest: number, mode: ScaleCalculationMode): number => {
        bits.setFloat32(0, largest);
        const added = { even: 2 ** (23 - mantissaBits[element] - 1), floor: 0, ceil: 2 ** 23 - 1 }[mode];
        const exponent = ((bits.getUint32(0) + added) >>> 23) - 127;
        return 2 ** (exponent - emax[element]);
      };
      // Where neither a subnormal number nor the end of the range comes in between.
      const largest = fc.tuple(fc.integer({ min: -90, max: 90 }), fc.integer({ min: 0, max: 2 ** 23 - 1 }));
      const nearTurningPoint = fc.tuple(
        fc.integer({ min: -90, max: 90 }),
        fc
          .tuple(fc.constantFrom(0, 0.75, 0.875, 0.9375), fc.integer({ min: -2, max: 2 }))
          .map(([part, steps]) => Math.max(0, part * 2 ** 23 + steps)),
      );
      fc.assert(
        fc.property(fc.oneof(largest, nearTurningPoint), ([exponent, mantissa]) => {
          const value = 2 ** exponent * (1 + mantissa * 2 ** -23);
          for (const mode of ['even', 'floor', 'ceil'] as const) {
            expect(scaleOf(element, mode, value), `${mode} of ${value}`).toBe(expected(value, mode));
          }
        }),
      );
    },
  );

  it('integers have none', () => {
    expect(powerOfTwoDivisor('int8', 'even')).toBeUndefined();
  });
});

it.each<[QuarkElement, boolean, number]>([
  ['int8', true, 127.5],
  ['int8', false, 255],
  ['uint8', false, 255],
  ['int4', true, 7.5],
  ['uint4', false, 15],
  ['fp8_e4m3', true, 448],
  ['fp8_e5m2', true, 57344],
  ['fp6_e2m3', true, 7.5],
  ['fp6_e3m2', true, 28],
  ['fp4', false, 6],
])('the divisor of %s, symmetric %s, is %d', (element, symmetric, divisor) => {
  expect(scaleDivisor(element, symmetric)).toBe(divisor);
});
