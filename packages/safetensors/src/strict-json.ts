import { isJsonObject, type JsonObject } from '@lowbit/core';
import { printable, SafetensorsError, type SafetensorsErrorCode } from './safetensors-error.ts';

/** Headers and indexes need three. Deeper JSON is not looked into: parsing millions of levels takes many seconds. */
const maxDepth = 16;

/**
 * A JSON object in UTF-8 in which no object has a key twice: `JSON.parse` would keep the last and lose the others.
 * @throws SafetensorsError
 */
export function parseStrictJson(bytes: Uint8Array, file: string, code: SafetensorsErrorCode): JsonObject {
  const fail = (expected: string, actual: string, cause?: unknown) =>
    new SafetensorsError({ code, file, expected, actual, cause });
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw fail('JSON in UTF-8', 'bytes that are not UTF-8', cause);
  }
  let repeated: string | undefined;
  let value: unknown;
  try {
    const scan = scanKeys(text);
    if (scan === 'deep') throw fail(`JSON of at most ${maxDepth} levels`, 'more');
    repeated = scan?.repeated;
    value = JSON.parse(text);
  } catch (cause) {
    throw cause instanceof SafetensorsError ? cause : fail('a JSON object', 'malformed JSON', cause);
  }
  if (!isJsonObject(value)) throw fail('a JSON object', Array.isArray(value) ? 'a list' : printable(value));
  if (repeated !== undefined) throw fail('every name once', `${printable(repeated)} twice`);
  return value;
}

/**
 * The first key that an object has twice, or that the text is too deep. Ends on any text.
 * @throws SyntaxError for some malformed JSON
 */
function scanKeys(json: string): { readonly repeated: string } | 'deep' | undefined {
  /** Keys of the objects around the current place; undefined stands for a list. */
  const open: (Set<string> | undefined)[] = [];
  for (let at = 0; at < json.length; at += 1) {
    switch (json[at]) {
      case '{':
      case '[':
        open.push(json[at] === '{' ? new Set() : undefined);
        if (open.length > maxDepth) return 'deep';
        break;
      case '}':
      case ']':
        open.pop();
        break;
      case '"': {
        const start = at;
        at = endOfString(json, at);
        const keys = open.at(-1);
        if (!keys || !isFollowedByColon(json, at + 1)) break;
        // Escapes may spell one key in two ways.
        const key = JSON.parse(json.slice(start, at + 1)) as string;
        if (keys.has(key)) return { repeated: key };
        keys.add(key);
      }
    }
  }
  return undefined;
}

/** Index of the quote that closes the string opened at `start`, or beyond the end. */
function endOfString(json: string, start: number): number {
  let at = start + 1;
  while (at < json.length && json[at] !== '"') at += json[at] === '\\' ? 2 : 1;
  return at;
}

function isFollowedByColon(json: string, start: number): boolean {
  let at = start;
  while (/\s/.test(json[at] ?? '')) at += 1;
  return json[at] === ':';
}
