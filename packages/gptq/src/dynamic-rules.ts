import { disagreeingSettings, readAllFields, type SettingsSource } from '@lowbit/core';
import { fields } from './gptq-fields.ts';
import { compileModulePattern, entriesOf, type ModuleRule, overridesOf, sameRules } from './module-rules.ts';

/**
 * GPTQModel's `dynamic`: patterns of module names, anchored at their start; the first that matches counts; `-:` before a
 * pattern leaves modules out. Rules that stand in two places in another order count as quantize_config.json has them:
 * some tools sort config.json when they save it.
 * @throws ConfigError for two places that disagree, and as `overridesOf` and `compileModulePattern`
 */
export function readDynamic(sources: readonly SettingsSource[], warnings: string[]): readonly ModuleRule[] {
  const all = readAllFields(sources, fields.dynamic);
  const [first, ...others] = all;
  if (!first) return [];
  for (const other of others) if (!sameRules(other.value, first.value)) throw disagreeingSettings(first, other);
  const found = all.find(({ file }) => file === 'quantize_config.json') ?? first;
  const order = ({ value }: typeof first) => JSON.stringify(Object.keys(value));
  if (others.some((other) => order(other) !== order(first))) {
    warnings.push(`${found.file}: ${found.field} has its rules in another order than other places; this order counts`);
  }
  return entriesOf(found).map(([key, entry]) => ({
    text: `dynamic: ${JSON.stringify(key)}`,
    covers: compileModulePattern(key.replace(/^[-+]:/, ''), found).matchesStart,
    overrides: key.startsWith('-:') ? undefined : overridesOf(entry, warnings),
  }));
}
