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

/** Errors of the runtime that the request caused, with their OpenAI `code`. */
const clientErrors: Readonly<Record<string, string | null>> = {
  CONTEXT_LENGTH: 'context_length_exceeded',
  SAMPLING: null,
  CHAT_TEMPLATE: null,
  TOKENIZER_MISSING: null,
};

/** Errors that nobody threw on purpose keep their message to themselves. */
export function describeError(error: unknown): ErrorDescription {
  if (error instanceof RequestError) {
    const type = error.status < 500 ? 'invalid_request_error' : 'server_error';
    const { status, message, param = null, reason = null } = error;
    return { status, message, type, param, code: reason };
  }
  if (LowbitError.isInstance(error)) {
    const code = clientErrors[error.code];
    if (code !== undefined) {
      return { status: 400, message: error.message, type: 'invalid_request_error', param: null, code };
    }
    return { status: 500, message: error.message, type: 'server_error', param: null, code: null };
  }
  return { status: 500, message: 'internal server error', type: 'server_error', param: null, code: null };
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
