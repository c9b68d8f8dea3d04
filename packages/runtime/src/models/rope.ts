import { ConfigError, isJsonObject, type JsonObject, RefusedError } from '@lowbit/core';

/** Rotary position embedding, ready for the program: scaling is already inside the frequencies. */
export interface Rope {
  /** Radians per position, one per pair of features, in f32. */
  readonly inverseFrequencies: readonly number[];
  readonly attentionFactor: number;
}

/**
 * Reads `rope_theta` and `rope_scaling`, or the newer `rope_parameters` that holds both.
 * @throws RefusedError for a scaling that is not supported; ConfigError for a missing number
 */
export function readRope(config: JsonObject, headSize: number): Rope {
  const parameters = isJsonObject(config.rope_parameters) ? config.rope_parameters : undefined;
  const field = parameters ? 'rope_parameters' : 'rope_scaling';
  const scaling = parameters ?? (isJsonObject(config.rope_scaling) ? config.rope_scaling : {});
  // Llama-1 era files have no rope_theta and mean 10,000; whoever writes rope_parameters writes it.
  const theta = readNumber({ ...config, ...parameters }, 'rope_theta', 'rope_theta', parameters ? undefined : 10_000);
  const partial = readNumber({ ...config, ...parameters }, 'partial_rotary_factor', 'partial_rotary_factor', 1);
  const rotated = Math.floor(headSize * partial);
  if (rotated % 2 !== 0) {
    throw new ConfigError({
      file: 'config.json',
      field: 'head_dim',
      expected: 'an even number of rotated features',
      actual: rotated,
    });
  }
  const base = Array.from({ length: rotated / 2 }, (_, pair) => theta ** (-(2 * pair) / rotated));

  // Older files spell the key `type`.
  const type = scaling.rope_type ?? scaling.type ?? 'default';
  const scale = scalings[String(type)];
  if (!scale) {
    throw new RefusedError({
      message: `config.json: ${field}: rope type ${JSON.stringify(type)} is not supported`,
      refusals: [{ by: 'rope', code: 'ROPE_TYPE', message: `supported types are ${Object.keys(scalings).join(', ')}` }],
    });
  }
  const number = (name: string) => readNumber(scaling, name, `${field}.${name}`);
  return { inverseFrequencies: scale(base, number).map(Math.fround), attentionFactor: 1 };
}

type Scaling = (frequencies: readonly number[], number: (name: string) => number) => readonly number[];

const scalings: Readonly<Record<string, Scaling>> = {
  default: (frequencies) => frequencies,
  linear: (frequencies, number) => frequencies.map((frequency) => frequency / number('factor')),
  /**
   * Llama 3.1: long wavelengths are slowed by `factor`, short ones kept, those between blended. Source: the reference
   * implementation that Meta published with Llama 3.1 (`apply_scaling`).
   */
  llama3: (frequencies, number) => {
    const factor = number('factor');
    const low = number('low_freq_factor');
    const high = number('high_freq_factor');
    const originalContext = number('original_max_position_embeddings');
    return frequencies.map((frequency) => {
      const turns = (originalContext * frequency) / (2 * Math.PI);
      const keep = Math.min(1, Math.max(0, (turns - low) / (high - low)));
      return keep * frequency + ((1 - keep) * frequency) / factor;
    });
  },
};

function readNumber(object: JsonObject, name: string, field: string, fallback?: number | undefined): number {
  const value = object[name] ?? fallback;
  if (typeof value === 'number' && Number.isFinite(value) && value > 0) return value;
  throw new ConfigError({ file: 'config.json', field, expected: 'a positive number', actual: value });
}
