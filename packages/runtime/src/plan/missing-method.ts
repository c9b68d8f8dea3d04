import { findMethod, findPattern, findQuantizationConfig, quantMethodOf } from '@lowbit/core';
import { type Checkpoint, readSideFiles } from '../checkpoint/read-checkpoint.ts';
import { knownMethods } from './known-plugins.ts';

/** A method that a checkpoint needs and the registry lacks. */
export interface MissingMethod {
  /** Its name, or what the checkpoint calls it. */
  readonly name: string;
  /** Where the checkpoint says so: `config.json: quantization_config`, or a file beside it. */
  readonly source: string;
  /** What to do about it. */
  readonly remedy: string;
}

/** What a checkpoint that no method of the registry claims was quantized with; undefined where nothing says that it was. */
export async function findMissingMethod({ folder, metadata }: Checkpoint): Promise<MissingMethod | undefined> {
  const { config } = metadata;
  const sideFiles = await readSideFiles(folder, knownMethods);
  const known = findMethod(knownMethods, { config, sideFiles });
  const embedded = findQuantizationConfig(config);
  const named = embedded && quantMethodOf(embedded.value);
  if (known) {
    const patterns = (known.match.files ?? []).map(({ name }) => ({ kind: 'glob', text: name }) as const);
    const file = [...sideFiles.keys()].find((name) => findPattern(patterns, name));
    return {
      name: named ?? known.name,
      source: embedded?.source ?? file ?? 'config.json',
      remedy: `Install it: npm install ${known.from} (libraries: pass it to createRegistry).`,
    };
  }
  if (!embedded) return undefined;
  const name = named ?? 'unnamed';
  return {
    name,
    source: embedded.source,
    remedy: `No package of lowbit's own reads ${name}; a plugin may: see docs/architecture.md on writing one.`,
  };
}
