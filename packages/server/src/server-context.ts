import { LowbitError } from '@lowbit/core';
import type { Model } from '@lowbit/runtime';
import { createRequestRegistry, type RequestRegistry } from './request-registry.ts';
import type { Logger, ServerOptions } from './server-options.ts';

/** What the routes of one server share. */
export interface ServerContext {
  readonly model: Model;
  readonly modelName: string;
  readonly apiKey: string | undefined;
  readonly logger: Logger | undefined;
  readonly serverInfo: Readonly<Record<string, unknown>>;
  readonly maxBodyBytes: number;
  readonly healthTimeout: number;
  readonly requests: RequestRegistry;
  /** Unix time in seconds. */
  readonly startedAt: number;
}

/** @throws LowbitError `SERVER_OPTION` for an empty API key or model name */
export function createServerContext(options: ServerOptions): ServerContext {
  const modelName = options.servedModelName ?? lastPart(options.model.info.path);
  if (modelName === '') throw emptyOption('servedModelName', 'Give the model a name, or leave the option out.');
  if (options.apiKey === '') throw emptyOption('apiKey', 'Leave the option out to serve without a key.');
  return {
    model: options.model,
    modelName,
    apiKey: options.apiKey,
    logger: options.logger,
    serverInfo: options.serverInfo ?? {},
    maxBodyBytes: options.maxBodyBytes ?? 32 * 2 ** 20,
    healthTimeout: options.healthTimeout ?? 20_000,
    requests: createRequestRegistry(),
    startedAt: Math.floor(Date.now() / 1000),
  };
}

function lastPart(path: string): string {
  return path.split(/[\\/]/).filter(Boolean).at(-1) ?? path;
}

function emptyOption(option: string, remedy: string): LowbitError {
  return new LowbitError({ code: 'SERVER_OPTION', message: `${option}: expected some text, found ""`, remedy });
}
