import {
  ConfigError,
  compileRegex,
  type FoundSetting,
  isJsonObject,
  type JsonObject,
  LowbitError,
  type NameRegex,
  placeOf,
  type SettingPlace,
  type SettingsSource,
} from '@lowbit/core';
import { overrideFields } from './known-fields.ts';
import { readOverrides, type WeightOverrides } from './weight-settings.ts';

/** Settings of some modules: another width or group size; or none: they are left unquantized. */
export interface ModuleRule {
  /** For people: `dynamic: "-:.*up_proj"`. */
  readonly text: string;
  covers(name: string): boolean;
  /** The rule of exactly this module goes before all patterns. */
  readonly exact?: string;
  /** Undefined: left unquantized. */
  readonly overrides: WeightOverrides | undefined;
}

/** The rule for a module: one of its very name, or else the first that covers it. */
export function findRule(rules: readonly ModuleRule[], name: string): ModuleRule | undefined {
  return rules.find(({ exact }) => exact === name) ?? rules.find((rule) => rule.covers(name));
}

/** What `lowbit inspect` prints: `dynamic: "lm_head" 8-bit, groups of 32`. */
export function formatRule({ text, overrides }: ModuleRule): string {
  if (!overrides) return `${text} unquantized`;
  const { bits, groupSize, descAct } = overrides;
  const changes = [
    bits && `${bits.value}-bit`,
    groupSize && (groupSize.value === -1 ? 'one group' : `groups of ${groupSize.value}`),
    descAct === undefined ? undefined : `desc_act ${descAct}`,
  ].filter((change) => change !== undefined);
  return `${text} ${changes.join(', ') || 'as the rest'}`;
}

/**
 * The entries of a field that maps patterns to settings, each as a place to read from.
 * @throws ConfigError for settings that are no object
 */
export function entriesOf({
  value,
  file,
  field,
}: FoundSetting<JsonObject>): readonly (readonly [string, SettingsSource])[] {
  return Object.entries(value).map(([key, settings]) => {
    const place = `${field}[${JSON.stringify(key)}]`;
    if (settings !== null && !isJsonObject(settings)) {
      throw new ConfigError({ file, field: place, expected: 'an object with settings', actual: settings });
    }
    return [key, { file, prefix: `${place}.`, value: settings ?? {} }];
  });
}

/** @throws ConfigError, RefusedError */
export function overridesOf(entry: SettingsSource, warnings: string[]): WeightOverrides {
  const unknown = Object.entries(entry.value).filter(([key, value]) => value !== null && !overrideFields.has(key));
  warnings.push(...unknown.map(([key]) => `${entry.file}: ${entry.prefix}${key}: unknown field, not read`));
  return readOverrides(entry);
}

/** @throws ConfigError that says what is wrong with the pattern */
export function compileModulePattern(pattern: string, place: SettingPlace): NameRegex {
  try {
    return compileRegex(pattern);
  } catch (cause) {
    if (!LowbitError.isInstance(cause)) throw cause;
    const expected = 'regular expressions of module names';
    throw new ConfigError({ ...placeOf(place), expected, actual: pattern, remedy: cause.message, cause });
  }
}

/** The same rules, whatever their order? */
export function sameRules(a: JsonObject, b: JsonObject): boolean {
  return canonical(a) === canonical(b);
}

function canonical(rules: JsonObject): string {
  const entries = Object.entries(rules).map(([key, value]) => [key, isJsonObject(value) ? canonical(value) : value]);
  return JSON.stringify(entries.sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)));
}
