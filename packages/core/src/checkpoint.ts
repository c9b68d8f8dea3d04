import type { TensorRef } from './tensor-ref.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

/** What is known of a checkpoint before any weight is read. */
export interface CheckpointMetadata {
  /** `config.json`. */
  readonly config: JsonObject;
  /** The other top-level JSON files that a registered method asks for, by file name. */
  readonly sideFiles: ReadonlyMap<string, JsonObject>;
  /** Every tensor of the checkpoint by name. */
  readonly tensors: ReadonlyMap<string, TensorRef>;
}

/** A `quantization_config` and where it was found, for messages: `config.json: quantization_config`. */
export interface EmbeddedQuantizationConfig {
  readonly source: string;
  readonly value: JsonObject;
}

const places = [['quantization_config'], ['text_config', 'quantization_config'], ['compression_config']] as const;

/** The quantization settings inside `config.json`, at the places where published checkpoints keep them. */
export function findQuantizationConfig(config: JsonObject): EmbeddedQuantizationConfig | undefined {
  for (const path of places) {
    let value: unknown = config;
    for (const key of path) value = isJsonObject(value) ? value[key] : undefined;
    if (isJsonObject(value)) return { source: `config.json: ${path.join('.')}`, value };
  }
  return undefined;
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
