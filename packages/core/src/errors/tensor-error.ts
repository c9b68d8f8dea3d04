import { LowbitError } from './lowbit-error.ts';

export type TensorErrorCode =
  | 'TENSOR_MISSING'
  | 'TENSOR_UNUSED'
  | 'TENSOR_CLAIMED_TWICE'
  | 'TENSOR_DTYPE'
  | 'TENSOR_SHAPE'
  | 'TENSOR_DATA';

/** A tensor that is missing, left over, or not what it should be. */
export class TensorError extends LowbitError {
  readonly tensor: string;
  readonly expected: string;
  readonly actual: string;

  constructor(options: {
    code: TensorErrorCode;
    tensor: string;
    expected: string;
    actual: string;
    remedy?: string | undefined;
  }) {
    super({
      code: options.code,
      message: `tensor ${options.tensor}: expected ${options.expected}, found ${options.actual}`,
      remedy: options.remedy,
    });
    this.tensor = options.tensor;
    this.expected = options.expected;
    this.actual = options.actual;
  }
}
