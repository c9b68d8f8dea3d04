import { LowbitError } from '@lowbit/core';

/** The command line asks for something that makes no sense; exit code 2. */
export class UsageError extends LowbitError {
  constructor(message: string, remedy?: string) {
    super({ code: 'USAGE', message, remedy });
  }
}
