/// <reference types="@webgpu/types" />
import type { WebgpuDevice } from '../device/webgpu-device.ts';
import { usage } from '../gpu/storage-buffer.ts';

/** Largest piece, and pieces on their way at once: together at most 32 MiB here, and as much on the device. */
export const pieceBytes = 8 * 2 ** 20;
const slotCount = 4;

interface Slot {
  readonly bytes: number;
  readonly upload: GPUBuffer;
  readonly raw: GPUBuffer;
  ready: Promise<unknown>;
}

/** Brings bytes to the device in pieces, some on their way while the next are copied. */
export interface Staging {
  /** Copies a piece of at most `pieceBytes` and submits what `encode` records, which may read it as `raw`. */
  send(piece: Uint8Array, encode: (encoder: GPUCommandEncoder, raw: GPUBuffer) => void | Promise<void>): Promise<void>;
  /** Waits for all that was sent, and frees the buffers. */
  close(): Promise<void>;
}

export function createStaging({ gpu }: WebgpuDevice): Staging {
  const slots: (Slot | undefined)[] = Array(slotCount).fill(undefined);
  let next = 0;

  const slotFor = async (bytes: number): Promise<Slot> => {
    const index = next;
    next = (next + 1) % slotCount;
    const slot = slots[index];
    await slot?.ready;
    if (slot && slot.bytes >= bytes) return slot;
    slot?.upload.destroy();
    slot?.raw.destroy();
    let size = 4096;
    while (size < bytes) size *= 2;
    const upload = gpu.createBuffer({
      size,
      usage: usage.mapWrite | usage.copySource,
      mappedAtCreation: true,
      label: 'upload',
    });
    const raw = gpu.createBuffer({
      size,
      usage: usage.storage | usage.copySource | usage.copyTarget,
      label: 'raw bytes',
    });
    const made: Slot = { bytes: size, upload, raw, ready: Promise.resolve() };
    slots[index] = made;
    return made;
  };

  return {
    async send(piece, encode) {
      const bytes = Math.ceil(piece.length / 4) * 4;
      const slot = await slotFor(bytes);
      const mapped = new Uint8Array(slot.upload.getMappedRange(0, Math.ceil(bytes / 8) * 8));
      mapped.set(piece);
      mapped.fill(0, piece.length);
      slot.upload.unmap();
      const encoder = gpu.createCommandEncoder();
      encoder.copyBufferToBuffer(slot.upload, 0, slot.raw, 0, bytes);
      await encode(encoder, slot.raw);
      gpu.queue.submit([encoder.finish()]);
      slot.ready = slot.upload.mapAsync(2); // GPUMapMode.WRITE
      // Whoever uses the slot next meets the rejection; until then nobody may be listening.
      slot.ready.catch(() => {});
    },
    async close() {
      for (const slot of slots.splice(0)) {
        await slot?.ready.catch(() => {});
        slot?.upload.destroy();
        slot?.raw.destroy();
      }
    },
  };
}
