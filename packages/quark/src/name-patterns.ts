import { ConfigError, compilePattern, LowbitError, type NamePattern } from '@lowbit/core';

/** A pattern of the configuration, ready to be asked. */
export interface CompiledPattern {
  /** As it stands in the file. */
  readonly text: string;
  covers(name: string): boolean;
}

/** A key of `layer_quant_config`: shell wildcards over the whole name, as Python's `fnmatch`. */
export function layerPattern(text: string, place: { readonly file: string; readonly field: string }): CompiledPattern {
  return compile(text, [wildcards(text)], place);
}

/**
 * An entry of `exclude`: a regular expression anchored at the start (`re:...`), or wildcards. A name also leaves out what
 * is below it, as Quark's importer adds `<entry>.*` to each entry.
 */
export function excludePattern(
  text: string,
  place: { readonly file: string; readonly field: string },
): CompiledPattern {
  if (text.startsWith('re:')) return compile(text, [{ kind: 'regex', text: text.slice('re:'.length) }], place);
  return compile(text, text.endsWith('.*') ? [wildcards(text)] : [wildcards(text), wildcards(`${text}.*`)], place);
}

function compile(
  text: string,
  patterns: readonly NamePattern[],
  place: { readonly file: string; readonly field: string },
): CompiledPattern {
  try {
    const compiled = patterns.map(compilePattern);
    return { text, covers: (name) => compiled.some((matches) => matches(name)) };
  } catch (cause) {
    if (!LowbitError.isInstance(cause)) throw cause;
    throw new ConfigError({ ...place, expected: `a pattern that can be read (${cause.message})`, actual: text, cause });
  }
}

/** `fnmatch` also has character classes: `*[qk]_proj`, `[!0]`. A bracket that nothing closes is a bracket. */
function wildcards(text: string): NamePattern {
  if (!/\[.[^\]]*\]/s.test(text)) return { kind: 'glob', text };
  const source = text.replace(
    /\[(!?)(\]?[^\]]*)\]|[\s\S]/g,
    (piece, not: string | undefined, members: string | undefined) => {
      if (members) return `[${not ? '^' : ''}${members.replace(/[\\[\]^&~|]/g, '\\$&')}]`;
      if (piece === '*') return '.*';
      if (piece === '?') return '.';
      return piece.replace(/[.+^${}()|[\]\\]/g, '\\$&');
    },
  );
  return { kind: 'fullRegex', text: `(?s)${source}` };
}
