import type { Context } from 'hono';
import type { ServerContext } from '../server-context.ts';

/** `GET|POST /flush_cache`. Keys and values are freed with their request: there is nothing that outlives it. */
export function flushCache(c: Context, { requests }: ServerContext): Response {
  if (requests.size > 0) return c.text(`Not flushed: ${requests.size} generations are in flight.\n`, 400);
  return c.text('Nothing to flush: this server keeps no prefix cache.\n');
}
