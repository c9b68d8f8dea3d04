import type { Refusal } from '../refusal.ts';
import { RefusedError } from './refused-error.ts';

/** No kernel of the chosen backend runs this module: every refusal says why. */
export class NoKernelError extends RefusedError {
  readonly module: string;

  constructor(module: string, refusals: readonly Refusal[]) {
    super({ code: 'NO_KERNEL', message: `no kernel runs ${module}`, refusals });
    this.module = module;
  }
}
