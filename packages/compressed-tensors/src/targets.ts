import { compilePattern, matchName } from '@lowbit/core';
import { fieldError, names, readField, type Section } from './config-section.ts';

/** A module as target and ignore lists see it. */
export interface NamedModule {
  readonly name: string;
  /** Its class and those that it inherits from, as torch names them. */
  readonly classes: readonly string[];
}

/** `LinearBase` is vLLM's name for the same. */
export const linearClasses = ['Linear', 'LinearBase', 'Module'] as const;
export const embeddingClasses = ['Embedding', 'Module'] as const;

/** One entry of a target or ignore list, compiled: `re:` and a regular expression anchored at the start, or a name or class. */
export interface NameEntry {
  readonly text: string;
  readonly kind: 'regex' | 'name';
  /** By name; a class is for whoever knows the module's. */
  matches(name: string): boolean;
}

/**
 * The entries of a list; undefined where it is absent or null.
 * @throws ConfigError for what is no list of strings, and for a regular expression that does not compile
 */
export function readEntries(section: Section, field: string): readonly NameEntry[] | undefined {
  return readField(section, field, names)?.map((text) => compileEntry(section, field, text));
}

function compileEntry(section: Section, field: string, text: string): NameEntry {
  if (!text.startsWith('re:')) return { text, kind: 'name', matches: (name) => name === text };
  try {
    return { text, kind: 'regex', matches: compilePattern({ kind: 'regex', text: text.slice('re:'.length) }) };
  } catch (cause) {
    throw fieldError(section, field, `regular expressions that can be read`, `${text}: ${(cause as Error).message}`);
  }
}

/**
 * Finds the target that decides: exact names go before regular expressions, these before classes, each in the order of
 * their letters and not of the file, as in the library.
 */
export function targetFinder<Target extends { readonly entry: NameEntry }>(
  targets: readonly Target[],
): (module: NamedModule) => Target | undefined {
  const sorted = [...targets].sort((a, b) => (a.entry.text < b.entry.text ? -1 : a.entry.text > b.entry.text ? 1 : 0));
  const ofKind = (kind: NameEntry['kind']) => sorted.filter(({ entry }) => entry.kind === kind);
  const byName = [...ofKind('name'), ...ofKind('regex')];
  const byClass = ofKind('name');
  return ({ name, classes }) =>
    byName.find(({ entry }) => entry.matches(name)) ?? byClass.find(({ entry }) => classes.includes(entry.text));
}

/**
 * The entry of `ignore` that covers a module: a class, a regular expression, the name, or its end at a dot. Some writers
 * name the `.linear` inside a wrapped module.
 */
export function findIgnored(ignore: readonly NameEntry[], { name, classes }: NamedModule): string | undefined {
  return ignore.find(({ kind, text, matches }) => {
    if (kind === 'regex') return matches(name);
    const spellings = [text, text.replace(/\.linear$/, '')];
    return classes.includes(text) || spellings.some((spelling) => matchName({ kind: 'suffix', text: spelling }, name));
  })?.text;
}
