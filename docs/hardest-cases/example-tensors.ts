import type { DType, TensorBytes, TensorRef } from '@lowbit/core';

/** Tensors made of the given bytes, as if they stood in a checkpoint. */
export class ExampleTensors implements TensorBytes {
  readonly #bytes = new Map<string, Uint8Array>();

  /** Words of any width, little-endian as on disk. */
  add(name: string, dtype: DType, shape: readonly number[], words: ArrayBufferView): TensorRef {
    const bytes = new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
    this.#bytes.set(name, bytes);
    return { name, dtype, shape, file: 'model.safetensors', start: 0, end: bytes.length };
  }

  /** Bytes of a tensor added before; a property, so that it can be handed on. */
  readonly readNow = (ref: TensorRef): Uint8Array => {
    const bytes = this.#bytes.get(ref.name);
    if (!bytes) throw new Error(`no example tensor ${ref.name}`);
    return bytes;
  };

  async read(ref: TensorRef): Promise<Uint8Array> {
    return this.readNow(ref);
  }
}
