import { LowbitError } from '@lowbit/core';

export type SafetensorsErrorCode =
  /** No such file, not a file, or its bytes cannot be read. */
  | 'SAFETENSORS_FILE'
  /** The header as a whole: its length, its JSON, `__metadata__`. */
  | 'SAFETENSORS_HEADER'
  /** One tensor's entry: dtype, shape, offsets. */
  | 'SAFETENSORS_TENSOR'
  /** The index file, or an index and shards that disagree. */
  | 'SAFETENSORS_INDEX'
  /** No weights in the folder, or no telling which files are the weights. */
  | 'SAFETENSORS_FILES';

/** A safetensors file, or a set of them, that is not as it must be: names file and tensor, expected and found. */
export class SafetensorsError extends LowbitError {
  readonly file: string;
  readonly tensor: string | undefined;
  readonly expected: string;
  readonly actual: string;

  constructor(options: {
    code: SafetensorsErrorCode;
    file: string;
    tensor?: string | undefined;
    expected: string;
    actual: string;
    remedy?: string | undefined;
    cause?: unknown;
  }) {
    const { file, tensor, expected, actual } = options;
    const place = tensor === undefined ? printable(file) : `${printable(file)}: tensor ${printable(tensor)}`;
    super({ ...options, message: `${place}: expected ${expected}, found ${actual}` });
    this.file = file;
    this.tensor = tensor;
    this.expected = expected;
    this.actual = actual;
  }
}

/** A name or value from a file, fit for a message: short, without control characters, told apart from what surrounds it. */
export function printable(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) {
    const isFlat = value.length <= 8 && !value.some((item) => Array.isArray(item));
    return isFlat ? `[${value.map(printable).join(', ')}]` : 'a list';
  }
  if (typeof value === 'object' && value !== null) return 'an object';
  if (typeof value !== 'string') return String(value);
  if (/^[\w./:-]{1,200}$/.test(value)) return value;
  const quoted = JSON.stringify(value.slice(0, 200)).replace(/[\u007f-\u009f\u2028\u2029\u202a-\u202e]/g, '?');
  return value.length > 200 ? `${quoted}...` : quoted;
}
