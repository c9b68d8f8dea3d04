import type { ElementType } from '@lowbit/core';
import { boolean, type FieldReader, oneOf, readField, type Section, text, unknownFields } from './config-section.ts';
import { checkArgs } from './quantization-args-rules.ts';

type Strategy = (typeof strategies)[number];

/** Parsed arguments: how one tensor of numbers, weights or activations, is quantized. */
export interface QuantizationArgs {
  readonly type: 'int' | 'float';
  readonly numBits: number;
  readonly symmetric: boolean;
  readonly strategy: Strategy;
  /** Of `group` and `tensor_group`. */
  readonly groupSize?: number;
  /** Of `block`: rows and columns. */
  readonly blockStructure?: readonly [rows: number, cols: number];
  /** `local`: a stored global scale, group scales from the data. */
  readonly dynamic: boolean | 'local';
  /** Weights are grouped in another order than they are stored in. */
  readonly grouped: boolean;
  /** What scales are rounded to; absent: not said. */
  readonly scaleType?: ElementType;
  /** Where they stand. */
  readonly section: Section;
}

const strategies = ['tensor', 'channel', 'group', 'block', 'token', 'tensor_group', 'attn_head'] as const;

const type = oneOf(['int', 'float']);
const strategy = oneOf(strategies);
/** `dynamic` and `static` are older words for `group` and `weight`. */
const actorder = oneOf(['group', 'weight', 'dynamic', 'static']);

const numBits: FieldReader<number> = {
  expected: 'an integer from 1 to 8',
  read: (value) => (isInteger(value) && value >= 1 && value <= 8 ? value : undefined),
};

const groupSize: FieldReader<number> = {
  expected: 'a positive integer, or -1 for one group per output feature',
  read: (value) => (isInteger(value) && (value === -1 || value > 0) ? value : undefined),
};

/** Since 0.14 a list of two numbers, before `128x128`. */
const blockStructure: FieldReader<readonly [number, number]> = {
  expected: 'two positive integers, as [128, 128] or "128x128"',
  read(value) {
    const parts = typeof value === 'string' ? value.split('x').map((part) => (/^\d+$/.test(part) ? +part : 0)) : value;
    if (!Array.isArray(parts) || parts.length !== 2) return undefined;
    const [rows, cols] = parts;
    return isInteger(rows) && rows > 0 && isInteger(cols) && cols > 0 ? [rows, cols] : undefined;
  },
};

const dynamic: FieldReader<boolean | 'local'> = {
  expected: 'true, false or "local"',
  read: (value) => boolean.read(value) ?? oneOf(['local']).read(value),
};

const grouped: FieldReader<boolean> = {
  expected: `${actorder.expected}, true or false`,
  read(value) {
    const order = actorder.read(value);
    return order ? order === 'group' || order === 'dynamic' : boolean.read(value);
  },
};

/** Scales of an MX scheme are exponents in bytes: `uint8`. */
const scaleTypes: Readonly<Record<string, ElementType>> = {
  float64: 'f64',
  double: 'f64',
  float32: 'f32',
  float: 'f32',
  float16: 'f16',
  half: 'f16',
  bfloat16: 'bf16',
  float8_e4m3fn: 'f8e4m3',
  uint8: 'e8m0',
};

const scaleType: FieldReader<ElementType> = {
  expected: `one of ${Object.keys(scaleTypes).join(', ')}, with or without "torch."`,
  read(value) {
    const name = typeof value === 'string' ? value.replace(/^torch\./, '') : '';
    return Object.hasOwn(scaleTypes, name) ? scaleTypes[name] : undefined;
  },
};

/** What only matters while a model is being quantized, or follows from the tensor: `zp_dtype`. */
const harmless = ['zp_dtype', 'observer', 'observer_kwargs'];
const known = [
  ...['num_bits', 'type', 'symmetric', 'group_size', 'strategy', 'block_structure', 'dynamic', 'actorder'],
  'scale_dtype',
  ...harmless,
];

/** @throws ConfigError for values and combinations that the library rejects too */
export function readArgs(section: Section, warnings: string[]): QuantizationArgs {
  warnings.push(...unknownFields(section, known));
  readField(section, 'zp_dtype', text);
  const size = readField(section, 'group_size', groupSize);
  const blocks = readField(section, 'block_structure', blockStructure);
  const scales = readField(section, 'scale_dtype', scaleType);
  const args: QuantizationArgs = {
    type: readField(section, 'type', type) ?? 'int',
    numBits: readField(section, 'num_bits', numBits) ?? 8,
    symmetric: readField(section, 'symmetric', boolean) ?? true,
    strategy: readField(section, 'strategy', strategy) ?? inferStrategy(size),
    ...(size !== undefined && size > 0 ? { groupSize: size } : {}),
    ...(blocks ? { blockStructure: blocks } : {}),
    dynamic: readField(section, 'dynamic', dynamic) ?? false,
    grouped: readField(section, 'actorder', grouped) ?? false,
    ...(scales ? { scaleType: scales } : {}),
    section,
  };
  checkArgs(args);
  return args;
}

function inferStrategy(size: number | undefined): Strategy {
  if (size === undefined) return 'tensor';
  return size > 0 ? 'group' : 'channel';
}

function isInteger(value: unknown): value is number {
  return Number.isSafeInteger(value);
}
