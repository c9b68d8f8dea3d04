import { ConfigError, type LinearSpec, TensorError } from '@lowbit/core';
import { isInteger, type QuarkElement } from '../element-formats.ts';
import { codesMultiple } from '../quark-layout.ts';
import type { ElementSpec } from './weight-tables.ts';

/** @throws ConfigError for groups and blocks that do not divide the layer; TensorError for rows that do not fill a byte */
export function checkSizes(spec: ElementSpec, module: LinearSpec): void {
  checkBlocks(spec, module);
  checkMultiple(spec.dtype, module);
}

function checkBlocks({ file, field, dtype, groupSize = -1, blockSize }: ElementSpec, module: LinearSpec): void {
  const { name, outFeatures, inFeatures } = module;
  const check = (size: number, by: number, what: string, key: string, actual: unknown) => {
    if (size % by === 0) return;
    throw new ConfigError({
      file,
      field: `${field}.${key}`,
      expected: `a divisor of ${size}, the ${what} features of ${name}`,
      actual,
      remedy: 'The settings and the model do not belong together, or this layer must be left unquantized.',
    });
  };
  // Groups of floats may end with a partial one; Quark fills it up with zeros when it looks for the largest number.
  if (groupSize !== -1 && isInteger(dtype)) check(inFeatures, groupSize, 'in', 'group_size', groupSize);
  if (blockSize) {
    check(outFeatures, blockSize[0], 'out', 'block_size', blockSize);
    check(inFeatures, blockSize[1], 'in', 'block_size', blockSize);
  }
}

function checkMultiple(dtype: QuarkElement, { name, inFeatures }: LinearSpec): void {
  const multiple = codesMultiple(dtype);
  if (inFeatures % multiple === 0) return;
  throw new TensorError({
    code: 'TENSOR_SHAPE',
    tensor: `${name}.weight`,
    expected: `a multiple of ${multiple} in features, as ${dtype} is packed`,
    actual: `${inFeatures} in features`,
    remedy: 'Such a module must be left unquantized.',
  });
}
