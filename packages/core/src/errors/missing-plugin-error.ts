import { LowbitError } from './lowbit-error.ts';

/** The checkpoint or the command line needs a method or backend that is not installed (or not in the registry). */
export class MissingPluginError extends LowbitError {
  readonly kind: 'method' | 'backend';
  readonly wanted: string;

  constructor(options: { kind: 'method' | 'backend'; wanted: string; installed: readonly string[]; remedy: string }) {
    const installed = options.installed.length > 0 ? options.installed.join(', ') : 'none';
    super({
      code: 'MISSING_PLUGIN',
      message: `no ${options.kind} for ${JSON.stringify(options.wanted)} (present: ${installed})`,
      remedy: options.remedy,
    });
    this.kind = options.kind;
    this.wanted = options.wanted;
  }
}
