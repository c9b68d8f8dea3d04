import { HttpError } from './http-error.ts';
import type { HttpAccess } from './remote-file.ts';

/** Tries of one request. The pause between two doubles each time. */
const maxTries = 4;

/** What may pass: overload, a proxy that lost its server. */
const passing = new Set([408, 429, 500, 502, 503, 504]);

/**
 * Asks, and asks again after failures that may pass: no answer, a busy server, a body that breaks off.
 * @param read makes something of an answer; what it throws as `BrokenOff` is asked for again
 * @throws HttpError; the signal's reason where it aborts
 */
export async function request<Result>(
  url: string,
  { fetch, headers, signal, pause }: HttpAccess,
  init: { readonly method?: string; readonly headers?: Readonly<Record<string, string>> },
  read: (response: Response) => Promise<Result>,
): Promise<Result> {
  for (let tries = 1; ; tries++) {
    signal?.throwIfAborted();
    try {
      const response = await fetch(url, {
        ...init,
        headers: { ...headers, ...init.headers },
        ...(signal && { signal }),
      });
      if (passing.has(response.status)) throw new BrokenOff(statusError(url, response));
      return await read(response);
    } catch (error) {
      signal?.throwIfAborted();
      const lasting = error instanceof BrokenOff ? error.error : unreachable(url, error);
      if (tries === maxTries || isOffline()) throw lasting;
    }
    await wait(pause * 2 ** (tries - 1), signal);
  }
}

/** A failure that may pass, with the error for when it does not. */
export class BrokenOff extends Error {
  readonly error: HttpError;

  constructor(error: HttpError) {
    super(error.message);
    this.error = error;
  }
}

export function statusError(url: string, { status, statusText }: Response): HttpError {
  return new HttpError({
    code: 'HTTP_STATUS',
    url,
    expected: 'a file',
    actual: `${status} ${statusText}`.trim(),
    remedy: remedies[status],
  });
}

const remedies: Readonly<Record<number, string>> = {
  401: 'The model may be gated or private: send an access token in the headers.',
  403: 'The model may be gated or private: send an access token in the headers.',
  404: 'Check the address: it is that of the folder that holds config.json.',
};

/** `fetch` and its bodies reject with a TypeError for everything between here and the server. */
function unreachable(url: string, cause: unknown): HttpError {
  if (!(cause instanceof TypeError)) throw cause;
  return new HttpError({
    code: 'HTTP_UNREACHABLE',
    url,
    expected: 'an answer',
    actual: `none (${cause.message})`,
    remedy: 'Check the connection, and that the server allows this page (CORS).',
    cause,
  });
}

function isOffline(): boolean {
  return (globalThis as { navigator?: { onLine?: boolean } }).navigator?.onLine === false;
}

function wait(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abort);
      resolve();
    }, milliseconds);
    signal?.addEventListener('abort', abort, { once: true });
  });
}
