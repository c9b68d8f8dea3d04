import { RequestError } from '../errors.ts';
import type { ServerContext } from '../server-context.ts';

/**
 * A request may name the served model, `default`, or none.
 * @throws RequestError 404 `model_not_found`
 */
export function requireModel({ modelName }: ServerContext, requested: string | undefined): void {
  if (requested === undefined || requested === modelName || requested === 'default') return;
  throw new RequestError({
    status: 404,
    message: `the model ${JSON.stringify(requested.slice(0, 200))} does not exist here; this server has ${JSON.stringify(modelName)}`,
    param: 'model',
    reason: 'model_not_found',
  });
}
