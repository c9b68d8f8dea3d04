import { InvalidArgumentError } from 'commander';

export interface NumberRange {
  readonly min?: number;
  /** Like `min`, which itself is not allowed. */
  readonly above?: number;
  readonly max?: number;
}

type Parser = (text: string) => number;

/** A parser for whole numbers in plain decimal. */
export function wholeNumber(range: NumberRange): Parser {
  return parser('whole number', /^-?\d+$/, range);
}

/** A parser for decimal numbers. */
export function decimalNumber(range: NumberRange): Parser {
  return parser('number', /^-?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i, range);
}

function parser(noun: string, pattern: RegExp, { min, above, max }: NumberRange): Parser {
  const limits = [
    min === undefined ? '' : ` from ${min}`,
    above === undefined ? '' : ` above ${above}`,
    max === undefined ? '' : ` up to ${max}`,
  ].join('');
  return (text) => {
    const value = pattern.test(text) ? Number(text) : Number.NaN;
    const least = above === undefined ? value >= (min ?? Number.MIN_SAFE_INTEGER) : value > above;
    if (!(least && value <= (max ?? Number.MAX_SAFE_INTEGER))) {
      throw new InvalidArgumentError(`Expected a ${noun}${limits}.`);
    }
    return value;
  };
}

const multipliers: Readonly<Record<string, number>> = { '': 1, k: 1e3, K: 2 ** 10, m: 1e6, M: 2 ** 20 };

/** A positive number of tokens: `8192`, `8k` (thousands) or `8K` (times 1,024), as serving engines write it. */
export function tokenCount(text: string): number {
  const [, digits, suffix = ''] = /^(\d+)([kKmM]?)$/.exec(text) ?? [];
  const value = Number(digits) * (multipliers[suffix] ?? Number.NaN);
  if (!(value >= 1 && value <= Number.MAX_SAFE_INTEGER)) {
    throw new InvalidArgumentError('Expected a number of tokens: 8192, 8k (8,000) or 8K (8,192).');
  }
  return value;
}
