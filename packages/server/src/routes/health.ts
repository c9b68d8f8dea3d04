import type { Context } from 'hono';
import { newRequestId, runRequests } from '../run-requests.ts';
import type { ServerContext } from '../server-context.ts';

/** `GET /health`: the server takes requests. */
export function health(c: Context, { requests }: ServerContext): Response {
  return c.body(null, requests.closed ? 503 : 200);
}

/**
 * `GET /health_generate`: tokens come out. Asks for one, greedily; output of any other request counts too, so that a
 * busy server is not taken for a dead one.
 */
export async function healthGenerate(c: Context, context: ServerContext): Promise<Response> {
  const { requests, healthTimeout, logger } = context;
  if (requests.closed) return c.body(null, 503);
  const id = `health-${newRequestId()}`;
  const output = requests.nextOutput();
  const run = runRequests(context, {
    group: id,
    ids: [id],
    requests: [{ prompt: [0], sampling: { maxTokens: 1, temperature: 0 } }],
    client: c.req.raw.signal,
  });
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no token within ${healthTimeout} ms`)), healthTimeout);
  });
  const own = run.chunks.next();
  try {
    // A first chunk that is an abort is no token.
    const chunk = await Promise.race([output, own, timeout]);
    const failed = chunk && !chunk.done && chunk.value.value.finish?.kind === 'abort';
    return c.body(null, failed ? 503 : 200);
  } catch (error) {
    logger?.error({ err: error }, 'the server is not healthy');
    return c.body(null, 503);
  } finally {
    clearTimeout(timer);
    run.abort();
    own.catch(() => {});
    run.chunks.return().catch(() => {});
  }
}
