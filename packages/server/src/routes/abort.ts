import type { Context } from 'hono';
import { readRequest } from '../read-request.ts';
import { parseAbortBody } from '../schemas/abort-body.ts';
import type { ServerContext } from '../server-context.ts';

/** `POST /abort_request`: stops generations by id, or all of them. They end with finish reason `abort`. */
export async function abortRequest(c: Context, context: ServerContext): Promise<Response> {
  const { rid, abort_all: all } = await readRequest(c, context, parseAbortBody);
  if (all) context.requests.abortAll();
  else context.requests.abort(rid);
  return c.body(null, 200);
}
