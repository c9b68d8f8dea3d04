import {
  type CheckpointMetadata,
  findPattern,
  findQuantizationConfig,
  type JsonObject,
  type LazyMethod,
  quantMethodOf,
} from '@lowbit/core';

/** What says that a method wrote a checkpoint. */
export interface QuantizationSource {
  /** `config.json: quantization_config`, or a file beside it. */
  readonly place: string;
  /** `quant_method`, where it stands there. */
  readonly quantMethod: string | undefined;
}

/** Where the method that was found for a checkpoint is named. */
export function quantizationSource(
  { match }: Pick<LazyMethod, 'match'>,
  { config, sideFiles }: Pick<CheckpointMetadata, 'config' | 'sideFiles'>,
): QuantizationSource | undefined {
  const embedded = findQuantizationConfig(config);
  const files = match.files ?? [];
  const fileOf = (candidates: typeof files) => {
    const patterns = candidates.map(({ name }) => ({ kind: 'glob', text: name }) as const);
    return [...sideFiles].find(([name]) => findPattern(patterns, name));
  };
  const file = fileOf(files.filter(({ overrides }) => overrides)) ?? (embedded ? undefined : fileOf(files));
  if (file) return sourceOf(...file);
  return embedded && sourceOf(embedded.source, embedded.value);
}

function sourceOf(place: string, value: JsonObject): QuantizationSource {
  return { place, quantMethod: quantMethodOf(value) };
}
