import type { TensorClaims, TensorRef } from '@lowbit/core';

type Quantized = 'weight' | 'input';
type Parameter = 'scale' | 'zero_point';

/**
 * Spellings of a quantizer's parameter, the usual one first: as the exporter renames it, and as the quantizer's module
 * has it, with one stage or in a sequence of stages.
 */
function spellings(module: string, tensor: Quantized, parameter: Parameter, stage: number): readonly string[] {
  const quantizer = `${module}.${tensor}_quantizer`;
  return [
    `${module}.${tensor}_${parameter}${stage === 0 ? '' : `_${stage + 1}`}`,
    ...(stage === 0 ? [`${quantizer}.${parameter}`] : []),
    `${quantizer}.${stage}.${parameter}`,
  ];
}

/** The name of a quantizer's parameter in this checkpoint; the usual one if it is not there. */
export function parameterName(
  tensors: TensorClaims,
  module: string,
  tensor: Quantized,
  parameter: Parameter,
  stage: number,
): string {
  const [usual = '', ...others] = spellings(module, tensor, parameter, stage);
  return [usual, ...others].find((name) => tensors.has(name)) ?? usual;
}

/** Does the file hold a scale of this module's weight? */
export function hasWeightScale(tensors: ReadonlyMap<string, TensorRef>, module: string): boolean {
  return spellings(module, 'weight', 'scale', 0).some((name) => tensors.has(name));
}

/** Tensors that change what a linear computes and are not supported, with what they are. */
const extras: Readonly<Record<string, string>> = {
  input_rotation: 'a rotation of its input',
  input_prescale: 'a scale for each feature of its input',
  smooth_factor: 'a scale for each feature of its input',
  'l1.weight': 'a low-rank product beside it',
  'l2.weight': 'a low-rank product beside it',
};

/** The first such tensor of a module. */
export function findExtra(tensors: ReadonlyMap<string, TensorRef>, module: string) {
  const suffix = Object.keys(extras).find((extra) => tensors.has(`${module}.${extra}`));
  return suffix === undefined ? undefined : { tensor: `${module}.${suffix}`, what: extras[suffix] ?? '' };
}

/** Which zero points the file holds at all: of symmetric quantizations, current versions write all and older ones none. */
export interface StoredZeroPoints {
  readonly weight: boolean;
  readonly input: boolean;
  readonly output: boolean;
}

export function storedZeroPoints(tensors: ReadonlyMap<string, TensorRef>): StoredZeroPoints {
  const has = (tensor: string) => {
    const pattern = new RegExp(`\\.${tensor}_(?:zero_point|quantizer\\.(?:\\d+\\.)?zero_point)`);
    return [...tensors.keys()].some((name) => pattern.test(name));
  };
  return { weight: has('weight'), input: has('input'), output: has('output') };
}
