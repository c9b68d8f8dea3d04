import { LowbitError } from '@lowbit/core';

/** A sampling parameter outside its range. */
export class SamplingError extends LowbitError {
  readonly field: string;

  constructor(field: string, expected: string, actual: unknown) {
    super({
      code: 'SAMPLING',
      message: `${field}: expected ${expected}, found ${JSON.stringify(actual) ?? String(actual)}`,
    });
    this.field = field;
  }
}
