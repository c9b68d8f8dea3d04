import type { Stored, TensorBytes, TensorRef } from '@lowbit/core';
import { decodeCodes, decodeStored, type Extents } from '@lowbit/numerics';

/** Where the addon finds a tensor: in a file, which it maps, or in memory, for checkpoints without files. */
export type TensorSource =
  | { readonly file: string; readonly start: number; readonly end: number }
  | { readonly bytes: Uint8Array };

export async function sourceOf(ref: TensorRef, bytes: TensorBytes): Promise<TensorSource> {
  if (bytes.locate) return { file: bytes.locate(ref.file), start: ref.start, end: ref.end };
  return { bytes: await bytes.read(ref) };
}

/** A small table, decoded here: a norm, a bias, scales of activations. */
export async function readTable(stored: Stored, bytes: TensorBytes, extents: Extents): Promise<Float32Array> {
  return decodeStored(stored, await bytes.read(stored.ref), extents);
}

/** The same for whole numbers. */
export async function readIntegers(stored: Stored, bytes: TensorBytes, extents: Extents): Promise<Int32Array> {
  return decodeCodes(stored, await bytes.read(stored.ref), extents);
}
