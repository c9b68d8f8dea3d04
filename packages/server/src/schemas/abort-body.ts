import type { JsonObject } from '@lowbit/core';
import * as z from 'zod';
import { RequestError } from '../errors.ts';
import { type FieldRules, type ParsedFields, parseFields } from '../parse-fields.ts';

const schema = z.object({ rid: z.string().default(''), abort_all: z.boolean().default(false) });

const rules: FieldRules<typeof schema> = {
  schema,
  known: Object.keys(schema.shape),
  refused: {},
  ignored: [],
  unknown: 'pass',
};

/** @throws RequestError, also where the body asks for nothing */
export function parseAbortBody(body: JsonObject): ParsedFields<z.output<typeof schema>> {
  const parsed = parseFields(rules, body);
  if (parsed.value.rid === '' && !parsed.value.abort_all) {
    throw new RequestError({ message: 'rid or abort_all: one of them is needed', param: 'rid' });
  }
  return parsed;
}
