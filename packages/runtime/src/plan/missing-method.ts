import { findMethod, findQuantizationConfig, quantMethodOf } from '@lowbit/core';
import { type Checkpoint, readSideFiles } from '../checkpoint/read-checkpoint.ts';
import { knownMethods } from './known-plugins.ts';
import { quantizationSource } from './quantization-source.ts';

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
  if (known) {
    const source = quantizationSource(known, { config, sideFiles });
    return {
      name: source?.quantMethod ?? known.name,
      source: source?.place ?? 'config.json',
      remedy: `Install it: npm install ${known.from} (libraries: pass it to createRegistry).`,
    };
  }
  const embedded = findQuantizationConfig(config);
  if (!embedded) return undefined;
  const name = quantMethodOf(embedded.value) ?? 'unnamed';
  return {
    name,
    source: embedded.source,
    remedy: `No package of lowbit's own reads ${name}; a plugin may: see docs/architecture.md on writing one.`,
  };
}
