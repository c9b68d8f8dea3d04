import type { JsonObject } from '@lowbit/core';
import type { Context } from 'hono';
import type { ParsedFields } from './parse-fields.ts';
import { readJsonBody } from './read-body.ts';
import type { ServerContext } from './server-context.ts';

/**
 * Reads and checks the body of a request; fields that nobody knows are passed over and logged.
 * @throws RequestError
 */
export async function readRequest<T>(
  c: Context,
  { maxBodyBytes, logger }: ServerContext,
  parse: (body: JsonObject) => ParsedFields<T>,
): Promise<T> {
  const { value, unknown } = parse(await readJsonBody(c.req.raw, maxBodyBytes));
  if (unknown.length > 0) {
    logger?.warn(
      { path: c.req.path, fields: unknown.slice(0, 20) },
      'fields that this server does not know were ignored',
    );
  }
  return value;
}
