import { ConfigError, compileRegex, isJsonObject, type JsonObject, LowbitError, RefusedError } from '@lowbit/core';
import { type ConfigSource, disagreement, type Found, placeOf, readAll, readField } from './config-source.ts';
import { autoRoundFields, fields, weightFields } from './gptq-fields.ts';
import { readOverrides, type WeightOverrides } from './weight-settings.ts';

/** Settings of some modules: another width or group size, or none: they are left unquantized. */
export interface ModuleRule {
  /** For people: `dynamic: "-:.*up_proj"`. */
  readonly text: string;
  /** Matches exactly this module and goes before all patterns. */
  readonly exact: string | undefined;
  covers(name: string): boolean;
  /** Undefined: left unquantized. */
  readonly overrides: WeightOverrides | undefined;
}

/** The rule for a module: one of its very name, or else the first whose pattern covers it. */
export function findRule(rules: readonly ModuleRule[], name: string): ModuleRule | undefined {
  return rules.find(({ exact }) => exact === name) ?? rules.find((rule) => rule.covers(name));
}

/**
 * GPTQModel's `dynamic`: patterns of module names, anchored at their start; `-:` before a pattern leaves modules out.
 * Rules that stand in two places in another order count as quantize_config.json has them: config.json may have been
 * sorted when it was saved.
 */
export function readDynamic(sources: readonly ConfigSource[], warnings: string[]): readonly ModuleRule[] {
  const all = readAll(sources, fields.dynamic);
  const [first, ...others] = all;
  if (!first) return [];
  for (const other of others) if (sorted(other.value) !== sorted(first.value)) throw disagreement(first, other);
  const found = all.find(({ file }) => file === 'quantize_config.json') ?? first;
  if (others.some(({ value }) => JSON.stringify(Object.keys(value)) !== JSON.stringify(Object.keys(first.value)))) {
    warnings.push(`${found.file}: ${found.field} has its rules in another order than other files; its order counts`);
  }
  return entriesOf(found).map(([key, entry]) => {
    const pattern = key.replace(/^[-+]:/, '');
    const { matchesStart } = compile(pattern, found);
    return {
      text: `dynamic: ${JSON.stringify(key)}`,
      exact: undefined,
      covers: matchesStart,
      overrides: key.startsWith('-:') ? undefined : overridesOf(entry, warnings),
    };
  });
}

/** AutoRound's `extra_config`: names, or patterns of whole names; 16 bits and more leave modules out. */
export function readExtraConfig(sources: readonly ConfigSource[], warnings: string[]): readonly ModuleRule[] {
  const [first, ...others] = readAll(sources, autoRoundFields.extraConfig);
  if (!first) return [];
  for (const other of others) if (sorted(other.value) !== sorted(first.value)) throw disagreement(first, other);
  return entriesOf(first).map(([key, entry]) => {
    const { bits } = entry.value;
    const skips = typeof bits === 'number' && bits >= 16;
    if (!skips) checkAutoRound([entry]);
    return {
      text: `extra_config: ${JSON.stringify(key)}`,
      exact: key,
      covers: compile(key, first).matchesWhole,
      overrides: skips ? undefined : overridesOf(entry, warnings),
    };
  });
}

/**
 * AutoRound quantizes activations and to other number types too.
 * @throws RefusedError
 */
export function checkAutoRound(sources: readonly ConfigSource[]): void {
  const dataType = readField(sources, autoRoundFields.dataType);
  const actBits = readField(sources, autoRoundFields.actBits);
  const refuse = ({ file, field, value }: Found<unknown>, message: string) =>
    new RefusedError({
      message: `${file}: ${field}: ${value} is not supported`,
      refusals: [{ by: 'gptq', code: 'SCHEME', message }],
    });
  if (dataType && dataType.value !== 'int') throw refuse(dataType, 'of AutoRound, integer weights (int) are read');
  if (actBits && actBits.value < 16) throw refuse(actBits, 'of AutoRound, weight-only quantization is read');
}

const overrideFields: ReadonlySet<string> = new Set([
  ...Object.values(weightFields).flatMap(({ spellings }) => spellings),
  ...autoRoundFields.dataType.spellings,
  ...autoRoundFields.actBits.spellings,
  // How the module was quantized, which does not change what its tensors mean.
  'mse',
  'damp_percent',
  'damp_auto_increment',
  'static_groups',
  'act_group_aware',
  'true_sequential',
  'fallback',
  // Of activations that are not quantized.
  'act_group_size',
  'act_sym',
  'act_data_type',
  'act_dynamic',
]);

function overridesOf(entry: ConfigSource, warnings: string[]): WeightOverrides {
  const unknown = Object.entries(entry.value).filter(([key, value]) => !overrideFields.has(key) && value !== null);
  warnings.push(...unknown.map(([key]) => `${entry.file}: ${entry.prefix}${key}: unknown field, not read`));
  return readOverrides([entry]);
}

function entriesOf({ value, file, field }: Found<JsonObject>): readonly (readonly [string, ConfigSource])[] {
  return Object.entries(value).map(([key, settings]) => {
    const place = `${field}[${JSON.stringify(key)}]`;
    if (settings !== null && !isJsonObject(settings)) {
      throw new ConfigError({ file, field: place, expected: 'an object with settings', actual: settings });
    }
    return [key, { file, prefix: `${place}.`, value: settings ?? {} }];
  });
}

function compile(pattern: string, found: Found<unknown>) {
  try {
    return compileRegex(pattern);
  } catch (cause) {
    if (!LowbitError.isInstance(cause)) throw cause;
    const expected = 'patterns of module names';
    throw new ConfigError({ ...placeOf(found), expected, actual: pattern, remedy: cause.message, cause });
  }
}

function sorted(rules: JsonObject): string {
  const entries = Object.entries(rules).map(([key, value]) => [key, isJsonObject(value) ? sorted(value) : value]);
  return JSON.stringify(entries.sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)));
}
