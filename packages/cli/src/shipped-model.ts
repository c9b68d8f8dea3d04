import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { LowbitError } from '@lowbit/core';

/** The small models, by the name that `--model` takes. The dense one comes with the package too. */
const folders = { dense: 'dense-awq', moe: 'moe-ct-w4a16' } as const;

export type ShippedModel = keyof typeof folders;

export const shippedModels = Object.keys(folders) as readonly ShippedModel[];

/**
 * Folder of a small model: beside the built command, or in a checkout, where the examples are.
 * @throws LowbitError SHIPPED_MODEL_MISSING
 */
export function shippedModel(name: ShippedModel = 'dense'): string {
  const folder = folders[name];
  const places = [`./models/${folder}`, `../../../examples/models/${folder}`];
  const paths = places.map((place) => fileURLToPath(new URL(place, import.meta.url)));
  const found = paths.find((path) => existsSync(`${path}/config.json`));
  if (found === undefined) {
    throw new LowbitError({
      code: 'SHIPPED_MODEL_MISSING',
      message: `expected the small model in ${paths[0]}, found nothing`,
      remedy:
        name === 'dense'
          ? 'Install @lowbit/cli again, or name a checkpoint folder.'
          : `The package brings the dense model only; take ${folder} from examples/models of the repository and name its folder.`,
    });
  }
  return found;
}
