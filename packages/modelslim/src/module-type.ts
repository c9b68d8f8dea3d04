import { ConfigError, type TensorClaims, TensorError } from '@lowbit/core';
import type { ModelSlimSettings } from './modelslim-settings.ts';
import { attachedTypes, floatTypes } from './quant-types.ts';
import { entryNames, type TensorTypes } from './tensor-types.ts';

type Described = Pick<ModelSlimSettings, 'file' | 'modules'>;

/** The entries of a module and the name under which they stand. */
interface ModuleEntries {
  readonly name: string;
  readonly types: TensorTypes;
}

function entriesOf(module: string, { modules }: Described): ModuleEntries | undefined {
  for (const name of entryNames(module)) {
    const types = modules.get(name);
    if (types?.has('weight')) return { name, types };
  }
  return undefined;
}

/**
 * The type of a module: that of its weight, which its other tensors must share.
 * @returns undefined where the weight has no entry
 * @throws ConfigError for tensors of one module that differ in type
 */
export function typeOf(module: string, description: Described): string | undefined {
  const entries = entriesOf(module, description);
  const type = entries?.types.get('weight');
  if (!entries || type === undefined) return undefined;
  for (const [suffix, other] of entries.types) {
    if (other === type || attachedTypes.includes(other)) continue;
    if (suffix === 'bias' && floatTypes.includes(other)) continue;
    throw new ConfigError({
      file: description.file,
      field: `${entries.name}.${suffix}`,
      expected: `${type}, the type of ${entries.name}.weight`,
      actual: other,
    });
  }
  return type;
}

/** @throws ConfigError saying that a module without an entry is none that was left as it is */
export function requireType(module: string, description: Described): string {
  const type = typeOf(module, description);
  if (type !== undefined) return type;
  throw new ConfigError({
    file: description.file,
    field: `${module}.weight`,
    expected: 'an entry with the type of the module, FLOAT if it was left as it is',
    actual: undefined,
  });
}

/** @throws TensorError for a tensor of the module that the description lists and the checkpoint lacks */
export function requireListed(module: string, description: Described, tensors: TensorClaims): void {
  for (const suffix of entriesOf(module, description)?.types.keys() ?? []) {
    const tensor = `${module}.${suffix}`;
    if (tensors.has(tensor)) continue;
    throw new TensorError({
      code: 'TENSOR_MISSING',
      tensor,
      expected: `the tensor that ${description.file} lists`,
      actual: 'no such tensor',
    });
  }
}
