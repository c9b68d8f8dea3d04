import { LowbitError } from './lowbit-error.ts';

/** Descriptions that cannot be fused or sliced: says which number does not divide, or which parts disagree. */
export class LayoutError extends LowbitError {
  constructor(message: string, remedy?: string) {
    super({ code: 'LAYOUT', message, remedy });
  }
}
