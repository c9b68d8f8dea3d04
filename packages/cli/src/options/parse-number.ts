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

const byteUnits: Readonly<Record<string, number>> = {
  '': 1,
  ...{ kb: 1e3, mb: 1e6, gb: 1e9 },
  ...{ kib: 2 ** 10, mib: 2 ** 20, gib: 2 ** 30 },
};

/** A positive number of bytes: `6442450944`, `6GiB`, `6.4GB` (thousands), in any case. */
export function byteCount(text: string): number {
  const [, digits, unit = ''] = /^(\d+(?:\.\d+)?) ?([a-z]*)$/i.exec(text) ?? [];
  const value = Math.floor(Number(digits) * (byteUnits[unit.toLowerCase()] ?? Number.NaN));
  if (!(value >= 1 && value <= Number.MAX_SAFE_INTEGER)) {
    throw new InvalidArgumentError('Expected a number of bytes: 6442450944, 6GiB or 512MiB.');
  }
  return value;
}
