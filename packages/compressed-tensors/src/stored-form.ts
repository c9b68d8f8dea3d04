import { TensorError, type TensorRef } from '@lowbit/core';
import type { StorageFormat } from './compressed-tensors-format.ts';
import { floatDTypes } from './module-tensors.ts';

/** How a module's weight lies in the file: packed, one number per element, or not quantized. */
export type StoredForm = 'packed' | 'plain' | 'float';

/**
 * Told by the tensors: `quantization_status` and `format` are hints.
 * @throws TensorError where there is no weight, or there are two
 */
export function storedForm(name: string, tensors: ReadonlyMap<string, TensorRef>): StoredForm {
  const weight = tensors.get(`${name}.weight`);
  const packed = tensors.has(`${name}.weight_packed`);
  if (packed === (weight !== undefined)) throw neitherOrBoth(name, packed, tensors);
  if (packed) return 'packed';
  return weight && floatDTypes.includes(weight.dtype) ? 'float' : 'plain';
}

/** The tensor that shows the form. */
export function storedTensor(name: string, form: StoredForm): string {
  return form === 'packed' ? `${name}.weight_packed` : `${name}.weight`;
}

/** The form that a format means. */
export const formOfFormat: Readonly<Record<StorageFormat, StoredForm>> = {
  dense: 'float',
  'naive-quantized': 'plain',
  'int-quantized': 'plain',
  'float-quantized': 'plain',
  'pack-quantized': 'packed',
  'nvfp4-pack-quantized': 'packed',
  'mxfp4-pack-quantized': 'packed',
  'mxfp6-pack-quantized': 'packed',
  'mxfp8-quantized': 'plain',
};

function neitherOrBoth(name: string, both: boolean, tensors: ReadonlyMap<string, TensorRef>): TensorError {
  const expected = `either ${name}.weight_packed or ${name}.weight`;
  if (both) return new TensorError({ code: 'TENSOR_UNUSED', tensor: `${name}.weight`, expected, actual: 'both' });
  const sparse = ['weight.bitmask', 'bitmask']
    .map((suffix) => `${name}.${suffix}`)
    .find((tensor) => tensors.has(tensor));
  return new TensorError({
    code: 'TENSOR_MISSING',
    tensor: `${name}.weight`,
    expected,
    actual: sparse ? `neither, but ${sparse}` : 'neither',
    remedy: sparse && 'Sparse compressed weights (sparse-bitmask, sparse-24-bitmask, marlin-24) are not supported.',
  });
}
