import { readFile } from 'node:fs/promises';
import type { JsonObject } from '@lowbit/core';
import { describe, expect, it } from 'vitest';
import { readRope } from './rope.ts';

/** YaRN as transformers computes it. */
interface YarnCase {
  readonly name: string;
  readonly headSize: number;
  readonly config: JsonObject;
  readonly attentionFactor: number;
  readonly inverseFrequencies: readonly number[];
}

const yarnCases: readonly YarnCase[] = JSON.parse(
  await readFile(new URL('../__fixtures__/deepseek/yarn.json', import.meta.url), 'utf8'),
);

describe('readRope', () => {
  it('reads both spellings alike', () => {
    const older = readRope({ rope_theta: 500_000, rope_scaling: null }, 32);
    const newer = readRope({ rope_parameters: { rope_theta: 500_000, rope_type: 'default' } }, 32);
    expect(newer).toEqual(older);
    expect(older.inverseFrequencies).toHaveLength(16);
    expect(older.inverseFrequencies[0]).toBe(1);
    expect(older.inverseFrequencies[8]).toBeCloseTo(500_000 ** -0.5, 10);
  });

  it('means 10,000 where an old file has no rope_theta', () => {
    expect(readRope({}, 4).inverseFrequencies[1]).toBe(Math.fround(0.01));
  });

  it('scales as Llama 3 does: short wavelengths kept, long ones divided, a blend between', () => {
    const config = {
      rope_theta: 500_000,
      rope_scaling: {
        rope_type: 'llama3',
        factor: 8,
        low_freq_factor: 1,
        high_freq_factor: 4,
        original_max_position_embeddings: 8192,
      },
    };
    const plain = readRope({ rope_theta: 500_000 }, 128).inverseFrequencies;
    const scaled = readRope(config, 128).inverseFrequencies;
    scaled.forEach((frequency, pair) => {
      const wavelength = (2 * Math.PI) / plain[pair]!;
      if (wavelength < 8192 / 4) expect(frequency).toBe(plain[pair]);
      else if (wavelength > 8192) expect(frequency).toBeCloseTo(plain[pair]! / 8, 12);
      else {
        const smooth = (8192 / wavelength - 1) / 3;
        const blended = ((1 - smooth) * plain[pair]!) / 8 + smooth * plain[pair]!;
        // Both sides start from frequencies rounded to f32 at different points: two roundings apart at most.
        expect(Math.abs(frequency / blended - 1)).toBeLessThan(2 ** -22);
      }
    });
    // One pair of each kind at least, or the test says nothing.
    expect(scaled[0]).toBe(plain[0]);
    expect(scaled[63]).toBeCloseTo(plain[63]! / 8, 12);
    expect(scaled[32]).not.toBe(plain[32]);
  });

  it('divides by the factor for linear scaling, with the older key `type`', () => {
    const scaled = readRope({ rope_scaling: { type: 'linear', factor: 4 } }, 4);
    expect(scaled.inverseFrequencies).toEqual([0.25, Math.fround(0.0025)]);
  });

  it.each(yarnCases)('scales by YaRN as transformers does: $name', ({ headSize, config, ...expected }) => {
    const { inverseFrequencies, attentionFactor } = readRope(config, headSize);
    expect(attentionFactor).toBeCloseTo(expected.attentionFactor, 12);
    expect(inverseFrequencies).toHaveLength(expected.inverseFrequencies.length);
    inverseFrequencies.forEach((frequency, pair) => {
      // Theirs are rounded to f32 at every step, these once.
      expect(Math.abs(frequency / expected.inverseFrequencies[pair]! - 1)).toBeLessThan(2 ** -21);
    });
  });

  it('takes the attention factor of the file, and a ramp without width', () => {
    const scaling = { rope_type: 'yarn', factor: 4, original_max_position_embeddings: 32, attention_factor: 1.25 };
    expect(readRope({ rope_scaling: scaling }, 16).attentionFactor).toBe(1.25);
    const step = { ...scaling, beta_fast: 1, beta_slow: 1, truncate: false };
    const plain = readRope({}, 16).inverseFrequencies;
    const { inverseFrequencies } = readRope({ rope_scaling: step }, 16);
    // 32 / (2 pi) positions a turn lie between the pairs 1 and 2 of eight.
    expect(inverseFrequencies.slice(0, 2)).toEqual(plain.slice(0, 2));
    inverseFrequencies.slice(2).forEach((frequency, pair) => {
      expect(frequency).toBeCloseTo(plain[pair + 2]! / 4, 8);
    });
  });

  it('turns only part of the features where the file says so', () => {
    expect(readRope({ partial_rotary_factor: 0.5 }, 64).inverseFrequencies).toHaveLength(16);
  });

  it('refuses what it does not know, by name', () => {
    expect(() => readRope({ rope_scaling: { rope_type: 'dynamic', factor: 4 } }, 64)).toThrow(
      'config.json: rope_scaling: rope type "dynamic" is not supported\n  rope: supported types are default, linear, llama3, yarn',
    );
  });

  it('names the missing number', () => {
    expect(() => readRope({ rope_scaling: { rope_type: 'llama3', factor: 8 } }, 64)).toThrow(
      'config.json: rope_scaling.low_freq_factor: expected a positive number, found nothing',
    );
    expect(() => readRope({ rope_scaling: { type: 'yarn' } }, 64)).toThrow(
      'config.json: rope_scaling.factor: expected a positive number, found nothing',
    );
    expect(() => readRope({ rope_scaling: { type: 'yarn', factor: 2 } }, 64)).toThrow(
      'config.json: rope_scaling.original_max_position_embeddings: expected a positive number, found nothing',
    );
    const yarn = { type: 'yarn', factor: 2, original_max_position_embeddings: 32 };
    for (const field of ['beta_fast', 'beta_slow', 'attention_factor']) {
      expect(() => readRope({ rope_scaling: { ...yarn, [field]: -1 } }, 64)).toThrow(
        `config.json: rope_scaling.${field}: expected a positive number, found -1`,
      );
    }
    expect(() => readRope({ rope_scaling: { ...yarn, mscale: '1', mscale_all_dim: 1 } }, 64)).toThrow(
      'config.json: rope_scaling.mscale: expected a positive number, found "1"',
    );
    expect(() => readRope({ rope_parameters: { rope_type: 'default' } }, 64)).toThrow(
      'config.json: rope_theta: expected a positive number, found nothing',
    );
  });
});
