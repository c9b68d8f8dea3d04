import { type Context, Hono } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { requireApiKey } from './api-key.ts';
import { describeError, errorBodyFor, RequestError } from './errors.ts';
import { abortRequest } from './routes/abort.ts';
import { flushCache } from './routes/cache.ts';
import { chatCompletions } from './routes/chat-completions.ts';
import { completions } from './routes/completions.ts';
import { generate } from './routes/generate.ts';
import { health, healthGenerate } from './routes/health.ts';
import { modelInfo, serverInfo } from './routes/model-info.ts';
import { listModels, retrieveModel } from './routes/models.ts';
import { createServerContext, type ServerContext } from './server-context.ts';
import type { ServerOptions } from './server-options.ts';

type Route = (c: Context, context: ServerContext) => Response | Promise<Response>;

const routes: readonly (readonly [methods: readonly string[], path: string, route: Route])[] = [
  [['POST', 'PUT'], '/generate', generate],
  [['GET'], '/health', health],
  [['GET'], '/health_generate', healthGenerate],
  [['GET'], '/model_info', modelInfo],
  [['GET'], '/get_model_info', modelInfo],
  [['GET'], '/server_info', serverInfo],
  [['GET'], '/get_server_info', serverInfo],
  [['GET', 'POST'], '/flush_cache', flushCache],
  [['POST'], '/abort_request', abortRequest],
  [['GET'], '/v1/models', listModels],
  [['GET'], '/v1/models/:id{.+}', retrieveModel],
  [['POST'], '/v1/completions', completions],
  [['POST'], '/v1/chat/completions', chatCompletions],
];

/** The HTTP interface of a model, as a handler that listens nowhere. */
export function createServerApp(options: ServerOptions): Hono {
  return createApp(createServerContext(options));
}

export function createApp(context: ServerContext): Hono {
  const { apiKey, logger } = context;
  const app = new Hono();
  app.onError((error, c) => {
    const description = describeError(error);
    if (description.status >= 500) logger?.error({ err: error, path: c.req.path }, 'request failed');
    return c.json(errorBodyFor(c.req.path)(description), description.status as ContentfulStatusCode);
  });
  app.notFound((c) => {
    const message = `no route ${c.req.method} ${c.req.path}`;
    return c.json(errorBodyFor(c.req.path)(describeError(new RequestError({ status: 404, message }))), 404);
  });
  if (logger) {
    app.use(async (c, next) => {
      const startedAt = performance.now();
      await next();
      const milliseconds = Math.round(performance.now() - startedAt);
      logger.info({ method: c.req.method, path: c.req.path, status: c.res.status, milliseconds }, 'request');
    });
  }
  if (apiKey !== undefined) app.use(requireApiKey(apiKey));
  for (const [methods, path, route] of routes) {
    app.on([...methods], path, (c) => route(c, context));
    app.all(path, (c) => {
      c.header('Allow', methods.join(', '));
      throw new RequestError({ status: 405, message: `${path} takes ${methods.join(' or ')}, not ${c.req.method}` });
    });
  }
  return app;
}
