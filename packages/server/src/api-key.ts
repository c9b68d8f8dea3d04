import type { MiddlewareHandler } from 'hono';
import { timingSafeEqual } from 'hono/utils/buffer';
import { describeError, openAiErrorBody, RequestError } from './errors.ts';

/** Lets requests with the key through, and everyone to `/health`, where load balancers knock. */
export function requireApiKey(apiKey: string): MiddlewareHandler {
  return async (c, next) => {
    if (c.req.path === '/health') return next();
    const given = /^Bearer +(.+)$/i.exec(c.req.header('authorization') ?? '')?.[1];
    if (given !== undefined && (await timingSafeEqual(given, apiKey))) return next();
    const message =
      given === undefined
        ? 'an API key is needed: send Authorization: Bearer <key>'
        : 'the API key is not the right one';
    c.header('WWW-Authenticate', 'Bearer');
    const error = new RequestError({ status: 401, message, reason: 'invalid_api_key' });
    return c.json(openAiErrorBody(describeError(error)), 401);
  };
}
