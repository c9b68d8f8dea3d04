const marker = Symbol.for('lowbit.error');

export interface LowbitErrorOptions {
  /** Stable and upper case; for programs. */
  readonly code: string;
  /** What happened, where, what was expected and found. */
  readonly message: string;
  /** What to do about it. */
  readonly remedy?: string | undefined;
  readonly cause?: unknown;
}

/** Base of every error that lowbit throws on purpose. A message is enough to act on; no stack trace is needed. */
export class LowbitError extends Error {
  readonly code: string;
  readonly remedy: string | undefined;
  readonly [marker] = true;

  constructor({ code, message, remedy, cause }: LowbitErrorOptions) {
    super(remedy ? `${message}\n${remedy}` : message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.code = code;
    this.remedy = remedy;
  }

  /** True for errors of any installed copy of lowbit. */
  static isInstance(value: unknown): value is LowbitError {
    return typeof value === 'object' && value !== null && marker in value;
  }
}
