import { matchName, type NamePattern } from '@lowbit/core';
import { fieldError, type Section } from './config-section.ts';

/** A module as target and ignore lists see it. */
export interface NamedModule {
  readonly name: string;
  /** Its class and those that it inherits from, as torch names them. */
  readonly classes: readonly string[];
}

/** `LinearBase` is vLLM's name for the same. */
export const linearClasses = ['Linear', 'LinearBase', 'Module'] as const;
export const embeddingClasses = ['Embedding', 'Module'] as const;

const regexPrefix = 're:';

/**
 * The target that decides: exact names go before regular expressions, these before classes, each in the order of their
 * letters and not of the file, as in the library.
 */
export function findTarget<Target extends { readonly text: string }>(
  targets: readonly Target[],
  { name, classes }: NamedModule,
): Target | undefined {
  const sorted = [...targets].sort((a, b) => (a.text < b.text ? -1 : 1));
  return (
    sorted.find(({ text }) => text === name) ??
    sorted.find(({ text }) => matchesRegex(text, name)) ??
    sorted.find(({ text }) => classes.includes(text))
  );
}

/**
 * The entry of `ignore` that covers a module: a class, a regular expression, the name, or its end at a dot. Some writers
 * name the `.linear` inside a wrapped module.
 */
export function findIgnore(ignore: readonly string[], { name, classes }: NamedModule): string | undefined {
  return ignore.find((text) => {
    if (text.startsWith(regexPrefix)) return matchesRegex(text, name);
    const wrapped = text.replace(/\.linear$/, '');
    return classes.includes(text) || [text, wrapped].some((entry) => matchName({ kind: 'suffix', text: entry }, name));
  });
}

/** A target that means attention modules themselves: a class, or the usual names. */
export function isAttentionTarget(target: string): boolean {
  if (target.startsWith(regexPrefix)) return false;
  return /Attention$/.test(target) || /(^|\.)(self_)?(attn|attention)$/.test(target);
}

/**
 * Does the target mean this attention module? A regular expression must match it alone: neither the layer around it nor
 * the projections inside.
 */
export function targetsAttention(target: string, name: string): boolean {
  if (!target.startsWith(regexPrefix)) return target === name || /Attention$/.test(target);
  const around = name.slice(0, Math.max(0, name.lastIndexOf('.')));
  const neighbours = [around, `${name}.q_proj`, `${name}.k_proj`, `${name}.v_proj`, `${name}.o_proj`];
  return matchesRegex(target, name) && !neighbours.some((neighbour) => matchesRegex(target, neighbour));
}

/** @throws ConfigError for a regular expression that does not compile */
export function checkTargets(section: Section, field: string, targets: readonly string[]): void {
  for (const text of targets) {
    try {
      matchesRegex(text, '');
    } catch (cause) {
      throw fieldError(
        section,
        field,
        `regular expressions that compile (${JSON.stringify(text)}: ${(cause as Error).message})`,
      );
    }
  }
}

function matchesRegex(text: string, name: string): boolean {
  if (!text.startsWith(regexPrefix)) return false;
  const pattern: NamePattern = { kind: 'regex', text: text.slice(regexPrefix.length) };
  return matchName(pattern, name);
}
