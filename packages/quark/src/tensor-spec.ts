import { ConfigError } from '@lowbit/core';
import { elements, otherDTypes, type QuarkDType, type ScaleCalculationMode } from './element-formats.ts';
import {
  boolean,
  type FieldReader,
  integer,
  type JsonPlace,
  oneOf,
  placeOf,
  readField,
  requireField,
  unknownFields,
} from './json-place.ts';

type Granularity = 'per_tensor' | 'per_channel' | 'per_group' | 'per_block';
type ScaleFormat = 'e8m0' | 'e4m3' | 'e5m3' | 'float32';
type ScaleType = 'float' | 'float32' | 'float16' | 'bfloat16' | 'pof2' | 'float8_e5m3' | 'float8_e8m0fnu';

/** How one tensor is quantized, or one stage of it: a `QTensorConfig` of Quark. Undefined: null, or absent. */
export interface TensorSpec {
  readonly file: string;
  /** Where it stands: `quantization_config.global_quant_config.weight`. */
  readonly field: string;
  readonly dtype: QuarkDType;
  readonly granularity: Granularity | undefined;
  readonly axis: number | undefined;
  /** -1: the whole axis. Given for `per_group`. */
  readonly groupSize: number | undefined;
  /** Given for `per_block`. */
  readonly blockSize: readonly [rows: number, cols: number] | undefined;
  readonly dynamic: boolean | undefined;
  readonly symmetric: boolean | undefined;
  readonly scaleType: ScaleType | undefined;
  readonly scaleFormat: ScaleFormat | undefined;
  readonly scaleCalculationMode: ScaleCalculationMode | undefined;
  /** This stage quantizes the scales of the stage before it. */
  readonly scaleQuant: boolean;
  readonly floatZeroPoint: boolean;
}

const dtype = oneOf<QuarkDType>({
  ...Object.fromEntries([...Object.keys(elements), ...otherDTypes].map((name) => [name, name as QuarkDType])),
  fp8_e4m3fn: 'fp8_e4m3',
});

const granularity = oneOf<Granularity>({
  per_tensor: 'per_tensor',
  per_channel: 'per_channel',
  per_group: 'per_group',
  per_block: 'per_block',
});

const scaleType = oneOf<ScaleType>({
  float: 'float',
  float32: 'float32',
  float16: 'float16',
  bfloat16: 'bfloat16',
  pof2: 'pof2',
  power_of_2: 'pof2',
  float8_e5m3: 'float8_e5m3',
  float8_e8m0fnu: 'float8_e8m0fnu',
});

const scaleFormat = oneOf<ScaleFormat>({ e8m0: 'e8m0', e4m3: 'e4m3', e5m3: 'e5m3', float32: 'float32' });
const scaleCalculationMode = oneOf<ScaleCalculationMode>({ even: 'even', floor: 'floor', ceil: 'ceil' });
const zeroPointType = oneOf({ int32: false, float32: true });

const groupSize: FieldReader<number> = {
  expected: 'a positive integer, or -1 for the whole axis',
  read: (value) =>
    Number.isSafeInteger(value) && (value === -1 || (value as number) > 0) ? (value as number) : undefined,
};

const blockSize: FieldReader<readonly [number, number]> = {
  expected: 'two positive integers, rows and columns',
  read: (value) =>
    Array.isArray(value) && value.length === 2 && value.every((size) => Number.isSafeInteger(size) && size > 0)
      ? [value[0], value[1]]
      : undefined,
};

/**
 * How Quark's GPU kernel treats a quotient that lies exactly between two integers; its CPU code rounds halves to even
 * whatever this says, and weights are rounded already. By name, or by the number of the enumeration.
 */
const roundMethod: FieldReader<true> = {
  expected: 'one of half_even, round, floor',
  read: (value) => (['half_even', 'round', 'floor', 8, 2, 3].includes(value as string) ? true : undefined),
};

const known: ReadonlySet<string> = new Set([
  ...[
    'dtype',
    'qscheme',
    'ch_axis',
    'group_size',
    'block_size',
    'is_dynamic',
    'symmetric',
    'scale_type',
    'scale_format',
  ],
  ...['scale_calculation_mode', 'is_scale_quant', 'zero_point_type', 'round_method'],
  // The element type of dtype mx, which is refused.
  'mx_element_dtype',
  // How scales were found when the model was quantized.
  ...['observer_cls', 'enable_buffer_reuse', 'max_input_numel', 'qat_spec'],
]);

/**
 * Reads one specification; unknown fields become warnings.
 * @throws ConfigError for values that Quark does not have, and for a granularity without its sizes
 */
export function readTensorSpec(at: JsonPlace, warnings: string[]): TensorSpec {
  warnings.push(...unknownFields(at, known));
  readField(at, 'round_method', roundMethod);
  const perWhat = readField(at, 'qscheme', granularity);
  const spec: TensorSpec = {
    file: at.file,
    field: at.field,
    dtype: requireField(at, 'dtype', dtype),
    granularity: perWhat,
    axis: readField(at, 'ch_axis', integer),
    groupSize: perWhat === 'per_group' ? requireField(at, 'group_size', groupSize) : undefined,
    blockSize: perWhat === 'per_block' ? requireField(at, 'block_size', blockSize) : undefined,
    dynamic: readField(at, 'is_dynamic', boolean),
    symmetric: readField(at, 'symmetric', boolean),
    scaleType: readField(at, 'scale_type', scaleType),
    scaleFormat: readField(at, 'scale_format', scaleFormat),
    scaleCalculationMode: readField(at, 'scale_calculation_mode', scaleCalculationMode),
    scaleQuant: readField(at, 'is_scale_quant', boolean) ?? false,
    floatZeroPoint: readField(at, 'zero_point_type', zeroPointType) ?? false,
  };
  const cast = spec.dtype === 'bfloat16' || spec.dtype === 'float16';
  if (perWhat === undefined && !cast) {
    throw new ConfigError({ ...placeOf(at, 'qscheme'), expected: granularity.expected, actual: at.value.qscheme });
  }
  return spec;
}
