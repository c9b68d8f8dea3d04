import { type ModuleDescription, type Stored, type TensorBytes, type TensorRef, tensorsOf } from '@lowbit/core';
import { decodeStored, type ReadTensor } from '@lowbit/numerics';

/** Reads every tensor that a description points at. */
export async function readTensors(description: ModuleDescription, bytes: TensorBytes): Promise<ReadTensor> {
  const read = new Map<TensorRef, Uint8Array>();
  for (const ref of tensorsOf(description)) read.set(ref, await bytes.read(ref));
  return (ref) => read.get(ref)!;
}

/** A bias, a norm or another table with one axis, `[size]`. */
export function decodeVector(stored: Stored, read: ReadTensor, size: number): Float32Array {
  return decodeStored(stored, read(stored.ref), [['out', size]]);
}
