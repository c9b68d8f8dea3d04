import type { Context } from 'hono';
import { requireModel } from '../openai/require-model.ts';
import type { ServerContext } from '../server-context.ts';

/** `GET /v1/models`. */
export function listModels(c: Context, context: ServerContext): Response {
  return c.json({ object: 'list', data: [modelEntry(context)] });
}

/** `GET /v1/models/{id}`; the id may contain slashes. */
export function retrieveModel(c: Context, context: ServerContext): Response {
  requireModel(context, c.req.param('id'));
  return c.json(modelEntry(context));
}

function modelEntry({ model, modelName, startedAt }: ServerContext): object {
  return {
    id: modelName,
    object: 'model',
    created: startedAt,
    owned_by: 'lowbit',
    root: modelName,
    parent: null,
    max_model_len: model.info.contextLength,
  };
}
