import {
  type CheckpointMetadata,
  createTensorLedger,
  type DType,
  describeUnquantized,
  formatRefusal,
  type JsonObject,
  type LinearDescription,
  type LinearSpec,
  type TensorRef,
} from '@lowbit/core';
import { parseQuarkConfig } from '../quark-config.ts';

/** Dtype and shape of tensors by name. */
export type Tensors = Readonly<Record<string, readonly [dtype: DType, shape: readonly number[]]>>;

function refsOf(tensors: Tensors): ReadonlyMap<string, TensorRef> {
  return new Map(
    Object.entries(tensors).map(([name, [dtype, shape]]) => [
      name,
      { name, dtype, shape, file: 'model.safetensors', start: 0, end: 0 },
    ]),
  );
}

export function metadata(quantization: JsonObject | undefined, tensors: Tensors = {}): CheckpointMetadata {
  const config = quantization ? { quantization_config: quantization } : {};
  return { config, sideFiles: new Map(), tensors: refsOf(tensors) };
}

/** Settings of a checkpoint whose layers are all quantized like this. */
export function settings(weight: unknown, input: unknown = null, more: JsonObject = {}): JsonObject {
  return {
    quant_method: 'quark',
    global_quant_config: { weight, input_tensors: input, output_tensors: null, bias: null },
    export: { kv_cache_group: [], pack_method: 'reorder', weight_format: 'real_quantized' },
    ...more,
  };
}

export function linear(outFeatures: number, inFeatures: number, more: Partial<LinearSpec> = {}): LinearSpec {
  return { kind: 'linear', name: 'a', role: 'projection', outFeatures, inFeatures, hasBias: false, ...more };
}

/** Specifications of tensors, as Quark writes them less the nulls. */
export const specs = {
  fp8: { dtype: 'fp8_e4m3', qscheme: 'per_tensor', is_dynamic: false, symmetric: true },
  fp8PerChannel: { dtype: 'fp8_e4m3', qscheme: 'per_channel', ch_axis: 0, is_dynamic: false, symmetric: true },
  fp8PerToken: { dtype: 'fp8_e4m3', qscheme: 'per_channel', ch_axis: 1, is_dynamic: true, symmetric: true },
  int8: { dtype: 'int8', qscheme: 'per_tensor', is_dynamic: false, symmetric: true },
  int8PerToken: { dtype: 'int8', qscheme: 'per_channel', ch_axis: 1, is_dynamic: true, symmetric: true },
  uint4: { dtype: 'uint4', qscheme: 'per_group', ch_axis: -1, group_size: 4, is_dynamic: false, symmetric: false },
  mxfp4: {
    ...{ dtype: 'fp4', qscheme: 'per_group', ch_axis: -1, group_size: 32, is_dynamic: false, symmetric: null },
    ...{ scale_format: 'e8m0', scale_calculation_mode: 'even', scale_type: 'float', round_method: 'half_even' },
  },
  nvfp4: [
    { dtype: 'fp4', qscheme: 'per_group', ch_axis: -1, group_size: 16, is_dynamic: false, scale_format: 'float32' },
    { dtype: 'fp8_e4m3', qscheme: 'per_tensor', is_dynamic: false, is_scale_quant: true },
  ],
} as const;

/** The same specification for inputs whose scales come from the data. */
export function dynamic(spec: JsonObject): JsonObject {
  return { ...spec, is_dynamic: true };
}

/**
 * Parses the settings, describes one linear and closes the books.
 * @throws LowbitError; Error with the text of a refusal
 */
export function describeLinear(
  quantization: JsonObject | undefined,
  tensors: Tensors,
  module: LinearSpec,
): LinearDescription {
  const checkpoint = metadata(quantization, tensors);
  const config = parseQuarkConfig(checkpoint);
  const answer = config.linearScheme(module);
  if (answer.kind === 'refused') throw new Error(formatRefusal(answer.refusal));
  const ledger = createTensorLedger(checkpoint.tensors);
  const description =
    answer.kind === 'scheme' ? answer.scheme.describe(module, ledger) : describeUnquantized(module, ledger);
  ledger.settle(config.unused ?? []);
  return description;
}
