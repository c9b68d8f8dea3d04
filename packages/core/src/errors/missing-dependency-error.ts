import { LowbitError } from './lowbit-error.ts';

/** An optional package could not be loaded: says what to install and keeps the cause. */
export class MissingDependencyError extends LowbitError {
  constructor(options: { dependency: string; neededBy: string; remedy: string; cause: unknown }) {
    super({
      code: 'MISSING_DEPENDENCY',
      message: `${options.neededBy} needs ${options.dependency}, which could not be loaded`,
      remedy: options.remedy,
      cause: options.cause,
    });
  }
}
