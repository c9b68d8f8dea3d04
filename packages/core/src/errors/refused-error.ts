import { formatRefusal, type Refusal } from '../refusal.ts';
import { LowbitError } from './lowbit-error.ts';

/** Something legal that is not supported: carries every refusal. */
export class RefusedError extends LowbitError {
  readonly refusals: readonly Refusal[];

  constructor(options: { code?: string; message: string; refusals: readonly Refusal[] }) {
    super({
      code: options.code ?? 'REFUSED',
      message: [options.message, ...options.refusals.map((refusal) => `  ${formatRefusal(refusal)}`)].join('\n'),
    });
    this.refusals = options.refusals;
  }
}
