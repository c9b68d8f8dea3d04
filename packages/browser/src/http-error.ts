import { LowbitError } from '@lowbit/core';

export type HttpErrorCode =
  /** Nobody answers, and the file is not in the store. */
  | 'HTTP_UNREACHABLE'
  /** 404 and every other status that is not what was asked for, a server without ranges included. */
  | 'HTTP_STATUS'
  /** An answer that is not the file: a web page, the wrong range, too few or too many bytes. */
  | 'HTTP_CONTENT'
  /** The file became another one on the server while it was being read. */
  | 'HTTP_CHANGED'
  /** All bytes came and they are not those that were published. */
  | 'HTTP_HASH';

/** A file that a server did not give as it must be: names the URL, expected and found. */
export class HttpError extends LowbitError {
  readonly url: string;
  readonly expected: string;
  readonly actual: string;

  constructor(options: {
    code: HttpErrorCode;
    url: string;
    expected: string;
    actual: string;
    remedy?: string | undefined;
    cause?: unknown;
  }) {
    const { url, expected, actual } = options;
    super({ ...options, message: `${url}: expected ${expected}, found ${actual}` });
    this.url = url;
    this.expected = expected;
    this.actual = actual;
  }
}
