/// <reference types="@webgpu/types" />
import type { WebgpuDevice } from '../device/webgpu-device.ts';
import { type Command, createCommands } from '../gpu/commands.ts';
import { type Counts, createDispatch, type Dispatch, type DispatchSpec } from '../gpu/dispatch.ts';
import { createReader, type Reader } from '../gpu/read-back.ts';
import { storageBuffer } from '../gpu/storage-buffer.ts';
import { createUpload, type Upload } from '../gpu/uploads.ts';
import type { RowBuffers } from './row-buffers.ts';

/** The dispatches of a program as they are put together, and the buffers between them. */
export interface Plan {
  readonly device: WebgpuDevice;
  readonly rows: RowBuffers;
  readonly reader: Reader;
  readonly upload: Upload;
  /** Starts to compile a dispatch that runs after all that were added before. */
  add(spec: DispatchSpec): void;
  /** A buffer of a name and size, the same for all who ask; with `perRun` filled from the positions before each run. */
  buffer(name: string, bytes: number, perRun?: (positions: Int32Array) => Float32Array<ArrayBuffer>): GPUBuffer;
  /** A value of the program, `[rows, width]`. */
  value(name: string, width: number): GPUBuffer;
  /** Fills the buffers that depend on the positions of the rows. */
  writePositions(positions: Int32Array): void;
  /** Waits for the compiler; the result gives the dispatches for as many rows as there are. */
  finish(): Promise<(counts: Counts) => readonly Command[]>;
  release(): void;
}

export function createPlan(device: WebgpuDevice, rows: RowBuffers): Plan {
  const buffers = new Map<string, GPUBuffer>();
  const reader = createReader(device);
  const upload = createUpload(device.gpu);
  const dispatches: Promise<Dispatch>[] = [];
  const writers: ((positions: Int32Array) => void)[] = [];
  const plan: Plan = {
    device,
    rows,
    reader,
    upload,
    add(spec) {
      const dispatch = createDispatch(device, spec);
      // `finish` reports it; before that nobody listens.
      dispatch.catch(() => {});
      dispatches.push(dispatch);
    },
    buffer(name, bytes, perRun) {
      const key = `${name} ${bytes}`;
      const known = buffers.get(key);
      if (known) return known;
      const buffer = storageBuffer(device, bytes, name);
      buffers.set(key, buffer);
      if (perRun) writers.push((positions) => upload(buffer, perRun(positions)));
      return buffer;
    },
    value: (name, width) => plan.buffer(`value ${name}`, 4 * rows.capacity * width),
    writePositions(positions) {
      for (const write of writers) write(positions);
    },
    finish: async () => createCommands(await Promise.all(dispatches)),
    release() {
      reader.release();
      for (const buffer of [...buffers.values(), ...rows.all]) buffer.destroy();
      for (const dispatch of dispatches) dispatch.then((one) => one.release()).catch(() => {});
    },
  };
  return plan;
}
