import {
  disagreeingSettings,
  type FoundSetting,
  RefusedError,
  readAllFields,
  readField,
  type SettingsSource,
} from '@lowbit/core';
import { autoRoundFields } from './gptq-fields.ts';
import { compileModulePattern, entriesOf, type ModuleRule, overridesOf, sameRules } from './module-rules.ts';

/** How AutoRound packed the codes: as GPTQ version 1 or 2 has them, or as something else. */
export type Packing = 'gptq' | 'gptq_v2' | 'awq' | 'other';

/**
 * AutoRound names a packing and, in older versions, after it the kernel to run it with: `auto_round:gptq:exllamav2`.
 * Those of GPTQ's name store zero points minus one; its own and GPTQModel's do not. Absent: the former.
 */
export function readPacking(sources: readonly SettingsSource[]): FoundSetting<Packing> | undefined {
  const found = readField(sources, autoRoundFields.packing) ?? readField(sources, autoRoundFields.backend);
  return found && { ...found, value: packingOf(found.value) };
}

function packingOf(text: string): Packing {
  const [first = '', ...rest] = text.toLowerCase().split(':');
  const has = (...names: readonly string[]) => [first, ...rest].some((part) => names.includes(part));
  if (has('auto_awq', 'awq')) return 'awq';
  if (has('auto_gptq', 'gptq', 'auto')) return 'gptq';
  const own = ['auto_round', 'autoround', 'auto-round'].includes(first);
  return own && rest.every((part) => ownPackings.has(part)) ? 'gptq_v2' : 'other';
}

/** What may follow `auto_round:` where the bytes are AutoRound's own: its exporter, or a kernel. */
const ownPackings: ReadonlySet<string> = new Set(['gptqmodel', 'exllamav2', 'marlin', 'triton', 'tritonv2', 'torch']);

/**
 * `extra_config`: settings by module name, or by a pattern of whole names; 16 bits and more leave modules out.
 * @throws ConfigError, RefusedError as `checkScheme`
 */
export function readExtraConfig(sources: readonly SettingsSource[], warnings: string[]): readonly ModuleRule[] {
  const [first, ...others] = readAllFields(sources, autoRoundFields.extraConfig);
  if (!first) return [];
  for (const other of others) if (!sameRules(other.value, first.value)) throw disagreeingSettings(first, other);
  return entriesOf(first).map(([key, entry]) => {
    const { bits } = entry.value;
    const leavesOut = typeof bits === 'number' && bits >= 16;
    if (!leavesOut) checkScheme([entry]);
    return {
      text: `extra_config: ${JSON.stringify(key)}`,
      exact: key,
      covers: compileModulePattern(key, first).matchesWhole,
      overrides: leavesOut ? undefined : overridesOf(entry, warnings),
    };
  });
}

/**
 * AutoRound also quantizes activations, and to other numbers than integers.
 * @throws RefusedError
 */
export function checkScheme(sources: readonly SettingsSource[]): void {
  const dataType = readField(sources, autoRoundFields.dataType);
  if (dataType && dataType.value !== 'int') throw refuse(dataType, 'weights must be integers: data_type int');
  const actBits = readField(sources, autoRoundFields.actBits);
  if (actBits && actBits.value < 16) throw refuse(actBits, 'activations must be left as they are: act_bits 16');
}

function refuse({ file, field, value }: FoundSetting<unknown>, message: string): RefusedError {
  return new RefusedError({
    message: `${file}: ${field}: ${value} is not supported`,
    refusals: [{ by: 'gptq', code: 'SCHEME', message }],
  });
}
