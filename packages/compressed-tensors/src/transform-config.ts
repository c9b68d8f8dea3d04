import { isJsonObject, RefusedError } from '@lowbit/core';
import {
  boolean,
  type FieldReader,
  fieldError,
  names,
  oneOf,
  readField,
  readSection,
  type Section,
  unknownFields,
} from './config-section.ts';

const types = oneOf(['hadamard', 'random-hadamard', 'random-matrix']);
/** Rotations of weights are inside the stored weights; the others happen while the model runs. */
const offline = ['weight_input', 'weight_output'] as const;
const locations = oneOf([...offline, 'input', 'output', 'q_attn', 'k_cache']);

const list: FieldReader<readonly unknown[]> = {
  expected: 'a list of objects',
  read: (value) => (Array.isArray(value) && value.every(isJsonObject) ? value : undefined),
};
const namesOrOne: FieldReader<readonly string[]> = {
  expected: 'a name or a list of names',
  read: (value) => (typeof value === 'string' ? [value] : names.read(value)),
};

/**
 * `transform_config`: rotations. Those that are already inside the weights need nothing.
 * @throws RefusedError naming each rotation that a run would have to perform; ConfigError
 */
export function checkTransforms(config: Section, warnings: string[]): void {
  const transforms = readSection(config, 'transform_config');
  const groups = transforms && readSection(transforms, 'config_groups');
  if (!transforms || !groups) return;
  warnings.push(...unknownFields(transforms, ['config_groups']));
  const online = Object.keys(groups.value).flatMap((name) => {
    const group = readSection(groups, name);
    return group ? onlineLocations(name, group, warnings) : [];
  });
  if (online.length === 0) return;
  throw new RefusedError({
    message: `${config.file}: ${transforms.path}: rotations while the model runs are not supported`,
    refusals: [
      {
        by: 'compressed-tensors',
        code: 'TRANSFORM',
        message: online.join(', '),
        hint: 'only weight_input and weight_output, which are inside the stored weights, need nothing',
      },
    ],
  });
}

function onlineLocations(name: string, group: Section, warnings: string[]): readonly string[] {
  warnings.push(...unknownFields(group, ['type', 'apply', 'randomize', 'requires_grad', 'head_dim', 'precision']));
  const type = readField(group, 'type', types);
  if (!type) throw fieldError(group, 'type', types.expected);
  const applied = readField(group, 'apply', list) ?? [];
  return applied.flatMap((value, index) => {
    const section = { file: group.file, path: `${group.path}.apply[${index}]`, value: value as Section['value'] };
    const location = readLocation(section, warnings);
    return (offline as readonly string[]).includes(location) ? [] : [`${name}: ${type} at ${location}`];
  });
}

function readLocation(section: Section, warnings: string[]): string {
  warnings.push(...unknownFields(section, ['targets', 'location', 'inverse', 'ignore']));
  readField(section, 'targets', namesOrOne);
  readField(section, 'ignore', namesOrOne);
  readField(section, 'inverse', boolean);
  const location = readField(section, 'location', locations);
  if (!location) throw fieldError(section, 'location', locations.expected);
  return location;
}
