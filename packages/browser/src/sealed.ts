import { sha256 } from '@noble/hashes/sha2.js';
import type { Store } from './store.ts';

/** Bytes of the SHA-256 that stands behind the content of a stored file. */
export const sealSize = 32;

/**
 * Stores bytes with their SHA-256, so that a file whose writing was cut short, or which was damaged later, shows.
 * @throws LowbitError STORE_FULL
 */
export async function writeSealed(store: Store, path: string, bytes: Uint8Array): Promise<void> {
  const sealed = new Uint8Array(bytes.length + sealSize);
  sealed.set(bytes);
  sealed.set(await digest(bytes), bytes.length);
  await store.write(path, sealed);
}

/** Undefined where there is no such file, or not as it was written. */
export async function readSealed(store: Store, path: string): Promise<Uint8Array | undefined> {
  const sealed = await store.read(path);
  if (!sealed || sealed.length < sealSize) return undefined;
  const bytes = sealed.subarray(0, sealed.length - sealSize);
  const seal = sealed.subarray(bytes.length);
  const found = await digest(bytes);
  return found.every((byte, index) => byte === seal[index]) ? bytes : undefined;
}

/** By the browser, which is fastest; pages that came over plain HTTP are not lent that. */
async function digest(bytes: Uint8Array): Promise<Uint8Array> {
  const subtle = (globalThis as { crypto?: { subtle?: typeof crypto.subtle } }).crypto?.subtle;
  return subtle ? new Uint8Array(await subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>)) : sha256(bytes);
}
