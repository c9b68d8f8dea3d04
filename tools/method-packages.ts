import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { QuantizationMethod } from '@lowbit/core';
import { publicPackages, root } from './workspace.ts';

export interface MethodPackage {
  /** `@lowbit/awq` */
  readonly name: string;
  /** From the repository's root, with slashes. */
  readonly folder: string;
  readonly method: QuantizationMethod;
  /** Checkpoints with records of their library, absolute paths. */
  readonly fixtures: readonly string[];
}

/** Every method of the workspace, found by its manifest. */
export async function methodPackages(): Promise<readonly MethodPackage[]> {
  const packages = publicPackages().filter(({ manifest }) => manifest.lowbit?.method);
  return Promise.all(
    packages.map(async ({ name, folder }) => {
      const { default: method } = (await import(join(root, folder, 'src/index.ts'))) as { default: QuantizationMethod };
      return { name, folder, method, fixtures: fixturesOf(join(root, folder, 'src/__fixtures__')) };
    }),
  );
}

function fixturesOf(folder: string): readonly string[] {
  if (!existsSync(folder)) return [];
  const entries = readdirSync(folder).map((entry) => join(folder, entry));
  return entries.filter((entry) => existsSync(join(entry, 'golden.safetensors'))).sort();
}
