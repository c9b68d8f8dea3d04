import { type CheckpointMetadata, ConfigError, findQuantizationConfig, RefusedError } from '@lowbit/core';

/** What the checkpoint says of itself. */
export interface Fp8Settings {
  /** What one scale covers; the second number is also the size of a group of activations. */
  readonly blockSize: readonly [rows: number, cols: number];
  /** Names of modules, or of what lies above them. */
  readonly modulesToNotConvert: readonly string[];
  readonly warnings: readonly string[];
}

const known = ['quant_method', 'activation_scheme', 'fmt', 'weight_block_size', 'modules_to_not_convert'];

/** @throws ConfigError for a value that makes no sense; RefusedError for settings of other kinds of FP8 */
export function readSettings({ config }: CheckpointMetadata): Fp8Settings {
  const { source, value } = findQuantizationConfig(config) ?? { source: 'config.json', value: {} };
  const [file = source, prefix = ''] = source.split(': ');
  const fail = (key: string, expected: string): never => {
    throw new ConfigError({ file, field: `${prefix}.${key}`, expected, actual: value[key] });
  };
  const refuse = (key: string, code: string, message: string): never => {
    const refusals = [{ by: 'fp8', code, message }];
    throw new RefusedError({ message: `${file}: ${prefix}.${key} is not supported`, refusals });
  };

  const { activation_scheme = 'dynamic', fmt = 'e4m3', weight_block_size, modules_to_not_convert } = value;
  if (activation_scheme === 'static') refuse('activation_scheme', 'STATIC', 'activations with stored scales');
  if (activation_scheme !== 'dynamic') fail('activation_scheme', 'dynamic or static');
  if (fmt !== 'e4m3') fail('fmt', 'e4m3');
  if (weight_block_size == null) refuse('weight_block_size', 'PER_TENSOR', 'one scale for a whole weight');
  if (!isBlockSize(weight_block_size)) return fail('weight_block_size', 'two positive integers, rows and columns');
  const names = modules_to_not_convert ?? [];
  if (!isNames(names)) return fail('modules_to_not_convert', 'a list of names or null');
  const unknown = Object.keys(value).filter((key) => !known.includes(key));
  return {
    blockSize: weight_block_size,
    modulesToNotConvert: names,
    warnings: unknown.map((key) => `${file}: ${prefix}.${key}: unknown field, not read`),
  };
}

function isBlockSize(value: unknown): value is [number, number] {
  return Array.isArray(value) && value.length === 2 && value.every((size) => Number.isSafeInteger(size) && size > 0);
}

function isNames(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((name) => typeof name === 'string');
}
