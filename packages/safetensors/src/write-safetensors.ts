import { bitsOf, type DType, elementTypeOf } from '@lowbit/core';
import { SafetensorsError } from './safetensors-error.ts';

/** A tensor to be written: row-major, little-endian bytes. */
export interface TensorData {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/** Hugging Face's writer puts tensors in this order of types, last first, so that each begins at a multiple of its width. */
const dtypeOrder: readonly DType[] = [
  ...(['BOOL', 'F4', 'F6_E2M3', 'F6_E3M2', 'U8', 'I8'] as const),
  ...(['F8_E5M2', 'F8_E4M3', 'F8_E8M0', 'F8_E4M3FNUZ', 'F8_E5M2FNUZ'] as const),
  ...(['I16', 'U16', 'F16', 'BF16', 'I32', 'U32', 'F32', 'F64', 'I64', 'U64'] as const),
];

/**
 * A safetensors file in memory, as Hugging Face's writer would write it: tensors by type and then by name, the header
 * padded to a multiple of 8 bytes.
 * @throws SafetensorsError SAFETENSORS_TENSOR when bytes, dtype and shape do not fit together
 */
export function writeSafetensors(
  tensors: Readonly<Record<string, TensorData>> | ReadonlyMap<string, TensorData>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const named = tensors instanceof Map ? [...tensors] : Object.entries(tensors);
  const rank = ({ dtype }: TensorData) => dtypeOrder.indexOf(dtype);
  named.sort(([aName, a], [bName, b]) => rank(b) - rank(a) || (aName < bName ? -1 : 1));

  const entries: [string, unknown][] = Object.keys(metadata).length > 0 ? [['__metadata__', metadata]] : [];
  let end = 0;
  for (const [name, data] of named) {
    checkData(name, data);
    const start = end;
    end += data.bytes.length;
    entries.push([name, { dtype: data.dtype, shape: data.shape, data_offsets: [start, end] }]);
  }
  // Joined by hand, as an object would reorder names that look like numbers.
  const json = `{${entries.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(',')}}`;
  const header = new TextEncoder().encode(json);
  const headerLength = Math.ceil(header.length / 8) * 8;

  const file = new Uint8Array(8 + headerLength + end);
  new DataView(file.buffer).setBigUint64(0, BigInt(headerLength), true);
  file.fill(0x20, 8, 8 + headerLength);
  file.set(header, 8);
  let at = 8 + headerLength;
  for (const [, { bytes }] of named) {
    file.set(bytes, at);
    at += bytes.length;
  }
  return file;
}

function checkData(name: string, { dtype, shape, bytes }: TensorData): void {
  const fail = (expected: string, actual: string) =>
    new SafetensorsError({ code: 'SAFETENSORS_TENSOR', file: 'file to write', tensor: name, expected, actual });
  if (name === '__metadata__') throw fail('another name', 'the one that the format keeps for itself');
  const size = shape.reduce((product, one) => product * one, bitsOf(elementTypeOf(dtype))) / 8;
  if (bytes.length !== size) throw fail(`${size} bytes for ${dtype} [${shape.join(', ')}]`, `${bytes.length} bytes`);
}
