import { existsSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { createRegistry, LowbitError } from '@lowbit/core';
import reference from '@lowbit/kernels-cpu-reference';
import { explainModel } from '@lowbit/runtime';
import { afterAll, describe, expect, it } from 'vitest';
import { type Header, type HeaderFolder, readHeaders } from './header-folder.ts';
import { methodPackages } from './method-packages.ts';
import { root } from './workspace.ts';

const methods = (await methodPackages()).map(({ method }) => method);
const registry = createRegistry({ methods, backends: [reference] });

type Folder = ReturnType<HeaderFolder['with']>;
type Spoil = (checkpoint: HeaderFolder, tensor: Header) => Folder;

/** What may happen to one tensor of a checkpoint. */
const damages: Readonly<Record<string, Spoil>> = {
  removed: ({ tensors, ...folder }, tensor) => folder.with(tensors.filter((other) => other !== tensor)),
  renamed: (folder, tensor) => replaced(folder, tensor, { name: `${tensor.name}_renamed` }),
  'doubled under a near name': ({ tensors, ...folder }, tensor) =>
    folder.with([...tensors, { ...tensor, name: `${tensor.name}_copy` }]),
  'doubled in a second shard': ({ tensors, ...folder }, tensor) => folder.with(tensors, [tensor]),
  reshaped: (folder, tensor) =>
    replaced(folder, tensor, { shape: tensor.shape.length === 0 ? [1, 1] : [...tensor.shape, 1] }),
  // No format stores floats as booleans, or codes as doubles.
  retyped: (folder, tensor) => replaced(folder, tensor, { dtype: tensor.dtype.includes('F') ? 'BOOL' : 'F64' }),
};

/** Damage that goes without a word about the tensor, and why it may. */
const harmless: readonly {
  readonly reason: string;
  is(damage: string, tensor: string, leftAside: boolean): boolean;
}[] = [
  {
    reason:
      'removed, a tensor that a rule leaves aside is not missed: vision towers, layers of multi-token prediction, biases of zeros',
    is: (damage, _, leftAside) => damage === 'removed' && leftAside,
  },
  {
    reason:
      'a checkpoint with a vision tower shows by its embedding how it spells names; without it the error has another spelling',
    is: (damage, tensor) =>
      ['removed', 'renamed'].includes(damage) && tensor === 'model.language_model.embed_tokens.weight',
  },
];

const allowed = new Map<string, number>();
afterAll(() => {
  for (const [reason, times] of allowed) process.stdout.write(`allowed ${times} times: ${reason}\n`);
});

const fixtures = recordedUnder(join(root, 'packages'));

describe.each(fixtures.map((path) => [relative(root, path), path] as const))('%s', async (_, path) => {
  const checkpoint = await readHeaders(path);

  const { unused } = await explainModel(checkpoint.with(checkpoint.tensors), { registry });
  const leftAside = new Set(unused.map(({ tensor }) => tensor));

  it.each(Object.keys(damages))('each tensor %s: never in silence', async (damage) => {
    const silent: string[] = [];
    for (const tensor of checkpoint.tensors) {
      const problem = await problemOf(damages[damage]!(checkpoint, tensor), tensor.name);
      if (problem === undefined) continue;
      const rule = harmless.find(({ is }) => is(damage, tensor.name, leftAside.has(tensor.name)));
      if (rule) allowed.set(rule.reason, (allowed.get(rule.reason) ?? 0) + 1);
      else silent.push(`${tensor.name}: ${problem}`);
    }
    expect(silent).toEqual([]);
  });
});

/** What is wrong with the answer to a damaged checkpoint; undefined where it names the tensor. */
async function problemOf(folder: Folder, tensor: string): Promise<string | undefined> {
  try {
    const { warnings, unused } = await explainModel(folder, { registry });
    const said = [...warnings, ...unused.map((one) => one.tensor)];
    return said.some((one) => one.includes(tensor)) ? undefined : 'nothing was said';
  } catch (error) {
    const { message } = error as Error;
    if (!LowbitError.isInstance(error)) return `no error of lowbit's own: ${message}`;
    return message.includes(tensor) ? undefined : `is not named: ${message}`;
  }
}

function replaced({ tensors, ...folder }: HeaderFolder, tensor: Header, change: Partial<Header>): Folder {
  return folder.with(tensors.map((other) => (other === tensor ? { ...other, ...change } : other)));
}

/** Folders of checkpoints with records, at any depth. */
function recordedUnder(folder: string): readonly string[] {
  if (existsSync(join(folder, 'golden.safetensors'))) return [folder];
  const entries = readdirSync(folder, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory() && !['node_modules', 'dist'].includes(entry.name))
    .flatMap((entry) => recordedUnder(join(folder, entry.name)));
}
