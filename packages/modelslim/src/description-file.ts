import { type CheckpointMetadata, ConfigError, type JsonObject } from '@lowbit/core';

/** The usual name; older tools append the type of the model: `quant_model_description_w8a8.json`. */
const usualName = 'quant_model_description.json';

/** Both names, as a pattern. */
export const descriptionPattern = 'quant_model_description*.json';

/** The description of a checkpoint's tensors, still unread. */
export interface DescriptionFile {
  readonly file: string;
  readonly value: JsonObject;
  /** Further descriptions in the folder, which do not count. */
  readonly others: readonly string[];
}

/**
 * The usual name goes before suffixed ones.
 * @throws ConfigError when there is none, or when several suffixed ones leave a choice
 */
export function findDescription({ sideFiles }: CheckpointMetadata): DescriptionFile {
  const names = [...sideFiles.keys()].filter((name) => /^quant_model_description(_.+)?\.json$/.test(name)).sort();
  const file = names.includes(usualName) ? usualName : names[0];
  const value = file === undefined ? undefined : sideFiles.get(file);
  if (file === undefined || value === undefined) {
    throw new ConfigError({
      file: usualName,
      expected: 'a description of every tensor, beside config.json',
      actual: undefined,
      remedy: 'Copy it from where the checkpoint was made: without it nobody knows what the tensors mean.',
    });
  }
  if (file !== usualName && names.length > 1) {
    throw new ConfigError({
      file: names.join(' and '),
      expected: `one description, or one called ${usualName}`,
      actual: names.length,
      remedy: 'Keep the one that belongs to the weights.',
    });
  }
  return { file, value, others: names.filter((name) => name !== file) };
}
