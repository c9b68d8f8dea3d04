import {
  type CheckpointMetadata,
  createTensorLedger,
  type DType,
  type EmbeddingSpec,
  type JsonObject,
  type LinearSpec,
  type QuantizationConfig,
  type TensorRef,
} from '@lowbit/core';
import type { ReadTensor } from '@lowbit/numerics';
import { parseCompressedTensorsConfig } from '../compressed-tensors-config.ts';
import type { Section } from '../config-section.ts';

/** Tensors by name; undefined: absent. */
export type Tensors = Readonly<Record<string, readonly [dtype: DType, shape: readonly number[]] | undefined>>;

export const linear: LinearSpec = {
  kind: 'linear',
  name: 'model.layers.0.mlp.up_proj',
  role: 'projection',
  outFeatures: 8,
  inFeatures: 64,
  hasBias: false,
};

export const place = 'config.json: quantization_config';

export function sectionOf(value: JsonObject): Section {
  return { file: 'config.json', path: 'quantization_config.config_groups.group_0.weights', value };
}

/** `config.json` with one group of these arguments for all linears. */
export function groupConfig(weights: JsonObject | null, more: JsonObject = {}, top: JsonObject = {}): JsonObject {
  return {
    quant_method: 'compressed-tensors',
    config_groups: { group_0: { targets: ['Linear'], weights, ...more } },
    ...top,
  };
}

export function metadata(quantization: JsonObject, tensors: Tensors = {}): CheckpointMetadata {
  return { config: { quantization_config: quantization }, sideFiles: new Map(), tensors: refsOf(tensors) };
}

export function parse(quantization: JsonObject, tensors: Tensors = {}): QuantizationConfig {
  return parseCompressedTensorsConfig(metadata(quantization, tensors));
}

/** Describes one linear as a runtime does; nothing may be left over. */
export function describeLinear(quantization: JsonObject, tensors: Tensors, spec: LinearSpec = linear) {
  const config = parse(quantization, tensors);
  const answer = config.linearScheme(spec);
  if (answer.kind !== 'scheme') throw new Error(`no scheme: ${JSON.stringify(answer)}`);
  const ledger = createTensorLedger(refsOf(tensors));
  const description = answer.scheme.describe(spec, ledger);
  return { description, warnings: answer.warnings ?? [], unused: ledger.settle(config.unused ?? []) };
}

export function describeEmbedding(quantization: JsonObject, tensors: Tensors, spec: EmbeddingSpec) {
  const answer = parse(quantization, tensors).embeddingScheme(spec);
  if (answer.kind !== 'scheme') throw new Error(`no scheme: ${JSON.stringify(answer)}`);
  const ledger = createTensorLedger(refsOf(tensors));
  const description = answer.scheme.describe(spec, ledger);
  ledger.settle([]);
  return description;
}

/** Gives the bytes of tensors by the last part of their names. */
export function reader(data: Readonly<Record<string, ArrayBufferView>>): ReadTensor {
  return ({ name }) => {
    const view = data[name.slice(name.lastIndexOf('.') + 1)];
    if (!view) throw new Error(`no bytes for ${name}`);
    return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  };
}

function refsOf(tensors: Tensors): ReadonlyMap<string, TensorRef> {
  return new Map(
    Object.entries(tensors).flatMap(([name, tensor]) => {
      if (!tensor) return [];
      const [dtype, shape] = tensor;
      return [[name, { name, dtype, shape, file: 'model.safetensors', start: 0, end: 0 }] as const];
    }),
  );
}
