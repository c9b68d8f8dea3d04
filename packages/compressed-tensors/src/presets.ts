import type { JsonObject } from '@lowbit/core';

/** The arguments that a preset's name stands for, as a config would spell them. */
export interface Preset {
  readonly weights?: JsonObject;
  readonly input_activations?: JsonObject;
}

const int = (num_bits: number): JsonObject => ({ type: 'int', num_bits, strategy: 'group', group_size: 128 });
const token = (type: 'int' | 'float', num_bits: number): JsonObject => ({
  type,
  num_bits,
  strategy: 'token',
  dynamic: true,
});
const float8: JsonObject = { type: 'float', num_bits: 8 };
const fp4: JsonObject = {
  type: 'float',
  num_bits: 4,
  strategy: 'tensor_group',
  group_size: 16,
  scale_dtype: 'float8_e4m3fn',
};
const mx = (num_bits: number): JsonObject => ({
  type: 'float',
  num_bits,
  strategy: 'group',
  group_size: 32,
  scale_dtype: 'uint8',
});
const dynamicGroups = { ...float8, strategy: 'group', group_size: 128, dynamic: true };

const int8: Preset = {
  weights: { type: 'int', num_bits: 8, strategy: 'channel' },
  input_activations: token('int', 8),
};

/** Presets of library 0.20, by name. `W<b>A<b>` of integers follow one rule: see `presetOf`. */
const presets: Readonly<Record<string, Preset>> = {
  UNQUANTIZED: {},
  W4A16_ASYM: { weights: { ...int(4), symmetric: false } },
  W8A8: int8,
  INT8: int8,
  W4AFP8: { weights: int(4), input_activations: token('float', 8) },
  FP8: { weights: { ...float8, strategy: 'tensor' }, input_activations: { ...float8, strategy: 'tensor' } },
  FP8_DYNAMIC: { weights: { ...float8, strategy: 'channel' }, input_activations: token('float', 8) },
  FP8_BLOCK: {
    weights: { ...float8, strategy: 'block', block_structure: [128, 128] },
    input_activations: dynamicGroups,
  },
  NVFP4A16: { weights: fp4 },
  NVFP4: { weights: fp4, input_activations: { ...fp4, dynamic: 'local' } },
  MXFP4A16: { weights: mx(4) },
  MXFP4: { weights: mx(4), input_activations: { ...mx(4), dynamic: true } },
  MXFP4XFP8: { weights: mx(4), input_activations: dynamicGroups },
  MXFP6A16: { weights: mx(6) },
  MXFP6A8: { weights: mx(6), input_activations: { ...mx(8), dynamic: true } },
  MXFP8A16: { weights: mx(8) },
  MXFP8: { weights: mx(8), input_activations: { ...mx(8), dynamic: true } },
};

/** The preset of a name in any case: weights never wider than activations, these of 4, 8 or 16 bits. */
export function presetOf(name: string): Preset | undefined {
  const upper = name.toUpperCase();
  if (Object.hasOwn(presets, upper)) return presets[upper];
  const [, weights = 0, activations = 0] = (/^W([2-8])A(4|8|16)$/.exec(upper) ?? []).map(Number);
  if (weights === 0 || weights > activations) return undefined;
  const quantized = activations < 16 ? { input_activations: token('int', activations) } : {};
  return { weights: int(weights), ...quantized };
}
