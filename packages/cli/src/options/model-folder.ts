import { existsSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { LowbitError } from '@lowbit/core';
import { shippedModel } from '../shipped-model.ts';

/**
 * The folder that a MODEL argument names; without one, the model that comes with the command.
 * @throws LowbitError MODEL_NOT_FOUND
 */
export function modelFolder(model: string | undefined, cwd: string): string {
  if (model === undefined) return shippedModel();
  const folder = resolve(cwd, model);
  if (!existsSync(folder)) throw notFound(model, 'no such folder');
  if (!statSync(folder).isDirectory()) throw notFound(model, 'a file, not a folder');
  return folder;
}

function notFound(model: string, found: string): LowbitError {
  const looksLikeHubName = /^[\w.-]+\/[\w.-]+$/.test(model);
  return new LowbitError({
    code: 'MODEL_NOT_FOUND',
    message: `${model}: expected a checkpoint folder (config.json and *.safetensors), found ${found}`,
    remedy: looksLikeHubName
      ? `lowbit reads local folders. To download a repository of that name: hf download ${model} --local-dir ${model.split('/')[1]}`
      : undefined,
  });
}
