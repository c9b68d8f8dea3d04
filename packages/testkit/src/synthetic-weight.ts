import {
  type Blocked,
  bitsOf,
  type ElementType,
  integerRange,
  isFloat,
  plain,
  type QuantizedWeight,
} from '@lowbit/core';
import { decodeElement } from '@lowbit/numerics';
import { createRandom, type Random } from './random.ts';
import { type SyntheticTensor, syntheticTensor, type TableForm } from './synthetic-tensor.ts';

export type BlockedForm = TableForm & Pick<Blocked, 'block'>;

export interface SyntheticWeightOptions {
  /** Tensors are named `<name>.codes`, `<name>.scale0`, ... */
  readonly name: string;
  readonly outFeatures: number;
  readonly inFeatures: number;
  readonly codes: TableForm;
  readonly scales?: readonly (BlockedForm & { readonly divide?: true; readonly negative?: true })[];
  readonly zero?: BlockedForm;
  readonly shift?: BlockedForm;
  /** Gives every input feature a group at random, each group as large as the first scale's blocks. */
  readonly groupIndex?: boolean;
  readonly seed: number;
}

export interface SyntheticWeight {
  readonly weight: QuantizedWeight;
  readonly tensors: readonly SyntheticTensor[];
}

/** A weight of random numbers in any layout, the same in every run: codes over all of their type, scales in 1/64..1/16. */
export function syntheticWeight(options: SyntheticWeightOptions): SyntheticWeight {
  const { name, outFeatures, inFeatures, zero, shift } = options;
  const random = createRandom(options.seed);
  const tensors: SyntheticTensor[] = [];

  const store = (part: string, form: TableForm, rows: number, cols: number, draw: () => number) => {
    const values = Float64Array.from({ length: rows * cols }, draw);
    const extents = [['out', rows] as const, ['in', cols] as const];
    const { stored, ...tensor } = syntheticTensor(`${name}.${part}`, form, extents, values);
    tensors.push(tensor);
    return stored;
  };
  const storeBlocked = (part: string, form: BlockedForm, draw: () => number): Blocked => {
    const [rows, cols] = form.block;
    const stored = store(part, form, Math.ceil(outFeatures / rows), Math.ceil(inFeatures / cols), draw);
    const indexed = options.groupIndex && cols < inFeatures;
    return { ...stored, block: form.block, ...(indexed ? { indexed } : {}) };
  };

  const weight: QuantizedWeight = {
    outFeatures,
    inFeatures,
    codes: store('codes', options.codes, outFeatures, inFeatures, () => anyNumber(options.codes.type, random)),
    scales: (options.scales ?? []).map((form, index) => ({
      ...storeBlocked(
        `scale${index}`,
        form,
        () => 2 ** random.uniform(-6, -4) * (form.negative && random.next() < 0.5 ? -1 : 1),
      ),
      ...(form.divide ? { divide: true } : {}),
    })),
    ...(zero ? { zero: storeBlocked('zero', zero, () => anyNumber(zero.type, random)) } : {}),
    ...(shift ? { shift: storeBlocked('shift', shift, () => random.uniform(-1, 1)) } : {}),
    ...(options.groupIndex ? { groupIndex: storeGroupIndex() } : {}),
  };
  return { weight, tensors };

  function storeGroupIndex() {
    const groupSize = options.scales?.[0]?.block[1] ?? inFeatures;
    const groups = random.permutation(inFeatures).map((place) => Math.floor(place / groupSize));
    const form: TableForm = { type: 'i32', dtype: 'I32', shape: [inFeatures], layout: plain('in') };
    const { stored, ...tensor } = syntheticTensor(`${name}.groupIndex`, form, [['in', inFeatures]], groups);
    tensors.push(tensor);
    return stored;
  }
}

/** No code is larger than this, so that kernels that multiply in f16 do not overflow. */
const largestCode = 448;

/** Any integer of the type; of floats of at most 8 bits any number up to `largestCode`, of wider ones some in -1..1. */
function anyNumber(type: ElementType, random: Random): number {
  if (!isFloat(type)) return random.integer(...integerRange(type));
  if (bitsOf(type) > 8) return random.uniform(-1, 1);
  for (;;) {
    const number = decodeElement(random.integer(0, 2 ** bitsOf(type) - 1), type);
    if (Math.abs(number) <= largestCode) return number;
  }
}
