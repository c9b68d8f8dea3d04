import { bitsOf, type DType, elementTypeOf } from '@lowbit/core';
import { SafetensorsError } from './safetensors-error.ts';

/** A tensor to be written: row-major, little-endian bytes. */
export interface TensorData {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/**
 * A safetensors file in memory. Tensors are ordered as Hugging Face's writer orders them, widest elements first and then by
 * name; the header is padded to a multiple of 8 bytes. So every tensor begins at a multiple of its element size.
 * @throws SafetensorsError SAFETENSORS_TENSOR when bytes, dtype and shape do not fit together
 */
export function writeSafetensors(
  tensors: Readonly<Record<string, TensorData>> | ReadonlyMap<string, TensorData>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const named = tensors instanceof Map ? [...tensors] : Object.entries(tensors);
  named.sort(([aName, a], [bName, b]) => width(b) - width(a) || (aName < bName ? -1 : 1));

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
  const size = shape.reduce((product, one) => product * one, width({ dtype })) / 8;
  if (bytes.length !== size) throw fail(`${size} bytes for ${dtype} [${shape.join(', ')}]`, `${bytes.length} bytes`);
}

function width({ dtype }: Pick<TensorData, 'dtype'>): number {
  return bitsOf(elementTypeOf(dtype));
}
