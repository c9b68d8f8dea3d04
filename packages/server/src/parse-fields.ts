import type { JsonObject } from '@lowbit/core';
import type * as z from 'zod';
import { RequestError } from './errors.ts';
import { nearestName } from './nearest-name.ts';

/** What the fields of one JSON object are allowed to be. */
export interface FieldRules<Schema extends z.ZodType> {
  /** Reads the known fields. An explicit null has been taken out: it means the default. */
  readonly schema: Schema;
  readonly known: readonly string[];
  /** Fields of the API that this server does not have, and what to tell who sends them. */
  readonly refused: Readonly<Record<string, RefusedField>>;
  /** Accepted, because they change nothing in the answer. */
  readonly ignored: readonly string[];
  /** Other fields: an error; or passed over, unless the name is close to a known one. */
  readonly unknown: 'error' | 'pass';
}

export interface RefusedField {
  readonly reason: string;
  /** Values that ask for nothing, beside null, false, empty text, list and object. */
  readonly off?: readonly unknown[];
}

export interface ParsedFields<T> {
  readonly value: T;
  /** Fields that were passed over because nobody knows them. */
  readonly unknown: readonly string[];
}

/**
 * Reads an object of a request, strictly: what cannot be honoured is refused by name.
 * @param at path of the object in the request, empty for the body itself
 * @throws RequestError naming the field
 */
export function parseFields<Schema extends z.ZodType>(
  rules: FieldRules<Schema>,
  object: JsonObject,
  at = '',
): ParsedFields<z.output<Schema>> {
  const fields: Record<string, unknown> = {};
  const unknown: string[] = [];
  for (const [name, value] of Object.entries(object)) {
    if (value === null) continue;
    if (rules.known.includes(name)) fields[name] = value;
    else if (Object.hasOwn(rules.refused, name)) checkOff(rules.refused[name]!, value, at + name);
    else if (!rules.ignored.includes(name)) {
      checkUnknown(rules, name, at + name);
      unknown.push(at + name);
    }
  }
  const parsed = rules.schema.safeParse(fields, { reportInput: true });
  if (!parsed.success) throw schemaError(parsed.error, at);
  return { value: parsed.data, unknown };
}

function checkOff({ reason, off = [] }: RefusedField, value: unknown, param: string): void {
  const text = JSON.stringify(value);
  if (['false', '""', '[]', '{}'].includes(text) || off.some((other) => JSON.stringify(other) === text)) return;
  throw new RequestError({ message: `${param}: ${reason}`, param });
}

function checkUnknown(rules: FieldRules<z.ZodType>, name: string, param: string): void {
  const nearest = nearestName(name, [...rules.known, ...Object.keys(rules.refused)]);
  if (nearest === undefined && rules.unknown === 'pass') return;
  const hint = nearest === undefined ? `known fields: ${rules.known.join(', ')}` : `did you mean ${nearest}?`;
  throw new RequestError({ message: `${shorten(param)}: no such field; ${hint}`, param: shorten(param) });
}

const shownIssues = 4;

function schemaError({ issues }: z.ZodError, at: string): RequestError {
  const lines = issues.slice(0, shownIssues).map((issue) => {
    const message = issue.message.replace(/^Invalid input: /, '').replace(/^[A-Z]/, (letter) => letter.toLowerCase());
    const found = / received /.test(message) ? '' : `, found ${shorten(JSON.stringify(issue.input) ?? 'nothing')}`;
    return `${formatPath(at, issue.path)}: ${message}${found}`;
  });
  if (issues.length > shownIssues) lines.push(`and ${issues.length - shownIssues} more`);
  return new RequestError({ message: lines.join('; '), param: formatPath(at, issues[0]?.path ?? []) });
}

function formatPath(at: string, path: readonly PropertyKey[]): string {
  const parts = path.map((part, index) =>
    typeof part === 'number' ? `[${part}]` : `${index === 0 ? '' : '.'}${shorten(String(part))}`,
  );
  return at + parts.join('');
}

function shorten(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}...` : text;
}
