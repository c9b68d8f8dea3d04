import { LowbitError } from './lowbit-error.ts';

/** A configuration file that cannot be understood: names the file, the field, what was expected and what was found. */
export class ConfigError extends LowbitError {
  readonly file: string;
  readonly field: string | undefined;

  constructor(options: {
    file: string;
    field?: string | undefined;
    expected: string;
    actual: unknown;
    remedy?: string | undefined;
    cause?: unknown;
  }) {
    const place = options.field ? `${options.file}: ${options.field}` : options.file;
    super({
      code: 'CONFIG',
      message: `${place}: expected ${options.expected}, found ${formatValue(options.actual)}`,
      remedy: options.remedy,
      cause: options.cause,
    });
    this.file = options.file;
    this.field = options.field;
  }
}

function formatValue(value: unknown): string {
  if (value === undefined) return 'nothing';
  const text = typeof value === 'string' ? JSON.stringify(value) : (JSON.stringify(value) ?? String(value));
  return text.length > 200 ? `${text.slice(0, 200)}...` : text;
}
