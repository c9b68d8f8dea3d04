import type { Model } from '@lowbit/runtime';

/** Where the server writes what it does. A pino logger is one. */
export interface Logger {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface ServerOptions {
  /** The server does not close it. */
  readonly model: Model;
  /** Name of the model in `/v1/models` and in requests. Default: the last part of the model's folder. */
  readonly servedModelName?: string | undefined;
  /** Wanted as `Authorization: Bearer <key>` on every route but `/health`. */
  readonly apiKey?: string | undefined;
  /** Default: silence. */
  readonly logger?: Logger | undefined;
  /** More fields for `/server_info`; anyone who may call the server can read them. */
  readonly serverInfo?: Readonly<Record<string, unknown>> | undefined;
  /** Largest request body. Default 32 MiB. */
  readonly maxBodyBytes?: number | undefined;
  /** How long `/health_generate` waits for a token, in milliseconds. Default 20,000. */
  readonly healthTimeout?: number | undefined;
}
