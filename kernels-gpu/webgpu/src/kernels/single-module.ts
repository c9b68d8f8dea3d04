/// <reference types="@webgpu/types" />
import type { Phase, TensorBytes } from '@lowbit/core';
import type { WebgpuDevice } from '../device/webgpu-device.ts';
import { encodeCommands } from '../gpu/commands.ts';
import { createStaging } from '../load/staging.ts';
import { createPlan, type Plan } from '../run/plan.ts';
import { createRowBuffers, phaseNumbers } from '../run/row-buffers.ts';
import type { LoadContext } from '../weights/load-weight.ts';

interface SingleModuleOptions<Loaded> {
  load(context: LoadContext): Promise<Loaded>;
  /** Adds the module's dispatches; returns the buffer of its input. */
  plan(plan: Plan, loaded: Loaded, output: GPUBuffer): GPUBuffer;
  /** 4-byte numbers of a row. */
  readonly inputWidth: number;
  readonly outputWidth: number;
}

interface Rows {
  readonly input: Float32Array | Int32Array;
  readonly rows: number;
  readonly phases?: readonly Phase[];
  /** Other buffers that the rows need, by name. */
  write?(plan: Plan, start: number, end: number): void;
}

export interface SingleModule {
  forward(rows: Rows): Promise<Float32Array>;
  release(): void;
}

/** Rows of one submission. */
const capacity = 64;

/** One module by itself, without a program around it. */
export async function prepareSingle<Loaded extends { release(): void }>(
  device: WebgpuDevice,
  bytes: TensorBytes,
  { load, plan: planModule, inputWidth, outputWidth }: SingleModuleOptions<Loaded>,
): Promise<SingleModule> {
  const staging = createStaging(device);
  const loaded = await load({ device, staging, bytes }).finally(() => staging.close());
  const rowBuffers = createRowBuffers(device, { capacity, logitCapacity: capacity }, { blocks: 0, blockSize: 1 });
  const plan = createPlan(device, rowBuffers);
  const release = () => {
    plan.release();
    loaded.release();
  };
  try {
    const output = plan.buffer('output', 4 * capacity * outputWidth);
    const inputBuffer = planModule(plan, loaded, output);
    const commandsFor = await plan.finish();
    const { queue } = device.gpu;
    return {
      async forward({ input, rows, phases = [], write }) {
        const all = new Float32Array(rows * outputWidth);
        for (let start = 0; start < rows; start += capacity) {
          const end = Math.min(start + capacity, rows);
          queue.writeBuffer(rowBuffers.counts, 0, Uint32Array.of(end - start, 0, 0, 0));
          queue.writeBuffer(
            rowBuffers.phases,
            0,
            Uint32Array.from(phases.slice(start, end), (one) => phaseNumbers[one]),
          );
          queue.writeBuffer(inputBuffer, 0, input.slice(start * inputWidth, end * inputWidth));
          write?.(plan, start, end);
          const numbers = await plan.reader.read(output, (end - start) * outputWidth, (pass) => {
            encodeCommands(pass, commandsFor({ rows: end - start, logitRows: 0 }));
          });
          all.set(numbers, start * outputWidth);
        }
        return all;
      },
      release,
    };
  } catch (error) {
    release();
    throw error;
  }
}
