import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { LowbitError } from '@lowbit/core';

/** Beside the built command; in a checkout, where the examples are. */
const places = ['./models/dense-awq', '../../../examples/models/dense-awq'];

/**
 * Folder of the small model that comes with the command.
 * @throws LowbitError SHIPPED_MODEL_MISSING
 */
export function shippedModel(): string {
  const folders = places.map((place) => fileURLToPath(new URL(place, import.meta.url)));
  const found = folders.find((folder) => existsSync(`${folder}/config.json`));
  if (found === undefined) {
    throw new LowbitError({
      code: 'SHIPPED_MODEL_MISSING',
      message: `expected the model that comes with lowbit in ${folders[0]}, found nothing`,
      remedy: 'Install @lowbit/cli again, or name a checkpoint folder.',
    });
  }
  return found;
}
