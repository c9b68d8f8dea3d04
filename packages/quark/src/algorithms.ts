import { ConfigError, isJsonObject, RefusedError } from '@lowbit/core';
import { type JsonPlace, placeOf } from './json-place.ts';

/** Algorithms that leave their work in the weights and scales. */
const harmless: ReadonlySet<string> = new Set([
  'awq',
  'gptq',
  'gptaq',
  'qronos',
  'smooth',
  'smoothquant',
  'autosmoothquant',
]);

/**
 * `algo_config` records how a model was quantized; an older version wrote one object instead of a list.
 * @returns a warning for each algorithm that is not known
 * @throws RefusedError for those that compute something at run time beside the linear; ConfigError for other values
 */
export function checkAlgorithms(at: JsonPlace): readonly string[] {
  const raw = at.value.algo_config ?? [];
  const list: readonly unknown[] = Array.isArray(raw) ? raw : [raw];
  return list.flatMap((value, index) => {
    const { file, field } = placeOf(at, Array.isArray(raw) ? `algo_config[${index}]` : 'algo_config');
    if (!isJsonObject(value)) throw new ConfigError({ file, field, expected: 'an object', actual: value });
    const name = String(value.name).toLowerCase();
    if (harmless.has(name)) return [];
    if (name === 'svdquant') throw refused(file, field, 'LOW_RANK', 'svdquant adds a low-rank product to each linear');
    if (name !== 'rotation' && name !== 'quarot')
      return [`${file}: ${field}.name: ${JSON.stringify(value.name ?? null)} is not known, and not read`];
    // R1 and R2 are multiplied into the weights, R3 turns queries and keys alike; the others turn activations.
    if (value.r4 === false && value.online_r1_rotation !== true) return [];
    throw refused(file, field, 'ROTATION', `${name} turns the input of linears at run time (r4 or online_r1_rotation)`);
  });
}

function refused(file: string, field: string, code: string, message: string): RefusedError {
  const refusals = [{ by: 'quark', code, message, hint: 'export the model without it' }];
  return new RefusedError({ message: `${file}: ${field} is not supported`, refusals });
}
