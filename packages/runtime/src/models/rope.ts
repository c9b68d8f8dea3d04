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
  const frequencies = Array.from({ length: rotated / 2 }, (_, pair) => theta ** (-(2 * pair) / rotated));

  // Older files spell the key `type`.
  const type = scaling.rope_type ?? scaling.type ?? 'default';
  const scale = scalings[String(type)];
  if (!scale) {
    throw new RefusedError({
      message: `config.json: ${field}: rope type ${JSON.stringify(type)} is not supported`,
      refusals: [{ by: 'rope', code: 'ROPE_TYPE', message: `supported types are ${Object.keys(scalings).join(', ')}` }],
    });
  }
  const number: ReadScaling = (name, fallback) => readNumber(scaling, name, `${field}.${name}`, fallback);
  const { inverseFrequencies, attentionFactor } = scale({ frequencies, theta, config, scaling, number });
  return { inverseFrequencies: inverseFrequencies.map(Math.fround), attentionFactor };
}

/** A positive number of the scaling. */
type ReadScaling = (name: string, fallback?: number) => number;

interface UnscaledRope {
  /** Radians per position, in f64. */
  readonly frequencies: readonly number[];
  readonly theta: number;
  readonly config: JsonObject;
  readonly scaling: JsonObject;
  readonly number: ReadScaling;
}

type Scaling = (rope: UnscaledRope) => Rope;

const scalings: Readonly<Record<string, Scaling>> = {
  default: ({ frequencies }) => plain(frequencies),
  linear: ({ frequencies, number }) => plain(frequencies.map((frequency) => frequency / number('factor'))),
  /**
   * Llama 3.1: long wavelengths are slowed by `factor`, short ones kept, those between blended. Source: the reference
   * implementation that Meta published with Llama 3.1 (`apply_scaling`).
   */
  llama3: ({ frequencies, number }) => {
    const factor = number('factor');
    const low = number('low_freq_factor');
    const high = number('high_freq_factor');
    const originalContext = number('original_max_position_embeddings');
    const scaled = frequencies.map((frequency) => {
      const turns = (originalContext * frequency) / (2 * Math.PI);
      const keep = Math.min(1, Math.max(0, (turns - low) / (high - low)));
      return blend(frequency, factor, keep);
    });
    return plain(scaled);
  },
  /**
   * Pairs that turn more than `beta_fast` times within the original context are kept, those below `beta_slow` times are
   * slowed by `factor`, those between blended; queries and keys grow with the logarithm of the factor. Source: Peng et
   * al., "YaRN" (2023); `mscale` and `mscale_all_dim` are DeepSeek-V2's.
   */
  yarn: ({ frequencies, theta, config, scaling, number }) => {
    const factor = number('factor');
    const contextLength =
      typeof config.max_position_embeddings === 'number' ? config.max_position_embeddings : undefined;
    const originalContext = number('original_max_position_embeddings', contextLength);
    const pairs = frequencies.length;
    const pairOf = (turns: number) => (pairs * Math.log(originalContext / (turns * 2 * Math.PI))) / Math.log(theta);
    const whole = scaling.truncate !== false;
    const fast = pairOf(number('beta_fast', 32));
    const slow = pairOf(number('beta_slow', 1));
    const low = Math.max(0, whole ? Math.floor(fast) : fast);
    const high = Math.min(2 * pairs - 1, whole ? Math.ceil(slow) : slow);
    // A ramp of no width would divide by zero.
    const width = high === low ? 0.001 : high - low;
    const inverseFrequencies = frequencies.map((frequency, pair) =>
      blend(frequency, factor, 1 - Math.min(1, Math.max(0, (pair - low) / width))),
    );
    const { mscale, mscale_all_dim: all } = scaling;
    const factorOf = (scale: number) => yarnMagnitude(factor, scale);
    const usual = mscale && all ? factorOf(number('mscale')) / factorOf(number('mscale_all_dim')) : factorOf(1);
    return { inverseFrequencies, attentionFactor: number('attention_factor', usual) };
  },
};

/** What YaRN multiplies queries and keys with, `0.1 * scale * ln(factor) + 1`. */
export function yarnMagnitude(factor: number, scale: number): number {
  return factor <= 1 ? 1 : 0.1 * scale * Math.log(factor) + 1;
}

function blend(frequency: number, factor: number, keep: number): number {
  return keep * frequency + ((1 - keep) * frequency) / factor;
}

function plain(inverseFrequencies: readonly number[]): Rope {
  return { inverseFrequencies, attentionFactor: 1 };
}

function readNumber(object: JsonObject, name: string, field: string, fallback?: number | undefined): number {
  const value = object[name] ?? fallback;
  if (typeof value === 'number' && Number.isFinite(value) && value > 0) return value;
  throw new ConfigError({ file: 'config.json', field, expected: 'a positive number', actual: value });
}
