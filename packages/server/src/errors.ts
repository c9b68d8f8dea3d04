import { LowbitError } from '@lowbit/core';

/** A request that is answered with an error: which status, which field, what to do. */
export class RequestError extends LowbitError {
  readonly status: number;
  /** Field of the request, `sampling_params.top_p`. */
  readonly param: string | undefined;
  /** `code` of an OpenAI error, `model_not_found`. */
  readonly reason: string | undefined;

  constructor(options: {
    message: string;
    status?: number | undefined;
    param?: string | undefined;
    reason?: string | undefined;
    remedy?: string | undefined;
  }) {
    super({ code: 'REQUEST', message: options.message, remedy: options.remedy });
    this.status = options.status ?? 400;
    this.param = options.param;
    this.reason = options.reason;
  }
}

/** An error as clients see it. */
export interface ErrorDescription {
  readonly status: number;
  readonly message: string;
  readonly type: string;
  readonly param: string | null;
  readonly code: string | null;
}

/** Errors of the runtime that are not the server's fault, with their OpenAI `code`. */
const clientErrors: Readonly<Record<string, string | null>> = {
  CONTEXT_LENGTH: 'context_length_exceeded',
  SAMPLING: null,
  CHAT_TEMPLATE: null,
  TOKENIZER: null,
  TOKENIZER_MISSING: null,
  TOKEN_ID: null,
};

/** Errors that nobody threw on purpose keep their message to themselves. */
export function describeError(error: unknown): ErrorDescription {
  if (error instanceof RequestError) {
    const { status, message, param = null, reason = null } = error;
    return { status, message, type: typeOf(status), param, code: reason };
  }
  const { status, message, code = null } = describeOtherError(error);
  return { status, message, type: typeOf(status), param: null, code };
}

function describeOtherError(error: unknown): { status: number; message: string; code?: string | null } {
  if (!LowbitError.isInstance(error)) return { status: 500, message: 'internal server error' };
  const code = clientErrors[error.code];
  if (code !== undefined) return { status: 400, message: error.message, code };
  return { status: error.code === 'MODEL_CLOSED' ? 503 : 500, message: error.message };
}

function typeOf(status: number): string {
  return status < 500 ? 'invalid_request_error' : 'server_error';
}

export type ErrorBody = (description: ErrorDescription) => object;

/** `/generate` and its neighbours. */
export const nativeErrorBody: ErrorBody = ({ message }) => ({ error: { message } });

/** Everything under `/v1`. */
export const openAiErrorBody: ErrorBody = ({ message, type, param, code }) => ({
  error: { message, type, param, code },
});

/** The error shape of the API that a path belongs to. */
export function errorBodyFor(path: string): ErrorBody {
  return path === '/v1' || path.startsWith('/v1/') ? openAiErrorBody : nativeErrorBody;
}
