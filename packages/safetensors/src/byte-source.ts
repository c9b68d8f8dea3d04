import { printable, SafetensorsError } from './safetensors-error.ts';

/** A file, or anything else that gives ranges of bytes. */
export interface ByteSource {
  readonly size: number;
  /**
   * Bytes `start` up to `end`, all of them.
   * @throws SafetensorsError SAFETENSORS_FILE when the source does not hold or does not give them
   */
  read(start: number, end: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** Bytes in memory as a source. */
export function createByteSource(bytes: Uint8Array, name = 'bytes'): ByteSource {
  return {
    size: bytes.length,
    async read(start, end) {
      checkRange(name, bytes.length, start, end);
      return bytes.slice(start, end);
    },
    async close() {},
  };
}

/** @throws SafetensorsError SAFETENSORS_FILE for a range that does not lie within `size` */
export function checkRange(file: string, size: number, start: number, end: number): void {
  if (Number.isSafeInteger(start) && Number.isSafeInteger(end) && 0 <= start && start <= end && end <= size) return;
  throw new SafetensorsError({
    code: 'SAFETENSORS_FILE',
    file,
    expected: `a range within its ${size} bytes`,
    actual: `${printable(start)}..${printable(end)}`,
  });
}
