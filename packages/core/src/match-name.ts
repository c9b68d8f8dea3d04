import { compileRegex } from './linear-regex.ts';

/**
 * One rule of a skip list or a target list, in the forms that checkpoints use. All but `substring` look at whole name
 * segments or anchor where they say.
 */
export type NamePattern =
  /** The very name. */
  | { readonly kind: 'exact'; readonly text: string }
  /** The name, or the end of it at a dot: `lm_head` is in `language_model.lm_head`. */
  | { readonly kind: 'suffix'; readonly text: string }
  /** The name, or everything below it: `model.layers.3`. */
  | { readonly kind: 'subtree'; readonly text: string }
  /** A run of whole segments anywhere: `self_attn.o_proj`. */
  | { readonly kind: 'segments'; readonly text: string }
  /** Anywhere, also inside a segment. Only where the format's own rule is that; see `surprises`. */
  | { readonly kind: 'substring'; readonly text: string }
  /** Shell wildcards `*` and `?` over the whole name, dots included. */
  | { readonly kind: 'glob'; readonly text: string }
  /** A regular expression (`compileRegex`) anchored at the start, as Python's `re.match`. */
  | { readonly kind: 'regex'; readonly text: string }
  /** A regular expression over the whole name, as Python's `re.fullmatch`. */
  | { readonly kind: 'fullRegex'; readonly text: string };

/**
 * Does the pattern cover this module name? Takes time proportional to name times pattern, whatever a checkpoint's
 * pattern says.
 * @throws LowbitError as `compilePattern`
 */
export function matchName(pattern: NamePattern, name: string): boolean {
  return compilePattern(pattern)(name);
}

/**
 * `matchName` for many names: rules that are applied to every module are compiled once.
 * @throws LowbitError `REGEX` for an expression that is malformed or not supported, or a glob of thousands of characters
 */
export function compilePattern({ kind, text }: NamePattern): (name: string) => boolean {
  switch (kind) {
    case 'exact':
      return (name) => name === text;
    case 'suffix':
      return (name) => name === text || name.endsWith(`.${text}`);
    case 'subtree':
      return (name) => name === text || name.startsWith(`${text}.`);
    case 'segments':
      return (name) => `.${name}.`.includes(`.${text}.`);
    case 'substring':
      return (name) => name.includes(text);
    case 'glob':
      return compileRegex(globToRegex(text)).matchesWhole;
    case 'regex':
      return compileRegex(text).matchesStart;
    case 'fullRegex':
      return compileRegex(text).matchesWhole;
  }
}

/** The first pattern that covers the name. */
export function findPattern<P extends NamePattern>(patterns: readonly P[], name: string): P | undefined {
  return patterns.find((pattern) => matchName(pattern, name));
}

/** True where a substring rule covers a name only by cutting through a segment: `mlp.gate` in `mlp.gate_proj`. */
export function surprises(pattern: NamePattern, name: string): boolean {
  return pattern.kind === 'substring' && matchName(pattern, name) && !matchName({ ...pattern, kind: 'segments' }, name);
}

function globToRegex(glob: string): string {
  const source = glob
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*+/g, '.*')
    .replace(/\?/g, '.');
  return `(?s)${source}`;
}
