import { type Backend, type KernelSelection, type Numerics, selectKernelFor } from '@lowbit/core';
import { median } from '../statistics.mjs';
import { type GpuCommand, recordCommands, timeCommands, warmUp } from './gpu-commands.ts';
import { linearChain, vocabSize } from './linear-chain.ts';

export interface ChainTimes {
  readonly rows: number;
  /** Milliseconds of one product on the device, in each sample. */
  readonly onDevice: readonly number[];
  /** Of one product in a forward that is waited for and read, in each sample. */
  readonly asRun: readonly number[];
  /** Dispatches of one product, and submits of the longer chain. */
  readonly dispatches: number;
  readonly submits: number;
}

/** One forward, ready to be run and timed. */
interface Forward {
  readonly commands: readonly GpuCommand[];
  readonly submits: number;
  run(): Promise<unknown>;
}

/**
 * Times products with chains of `counts` different matrices, `[few, many]`: a product takes what the longer one takes more,
 * divided by how many more there are, so that the first input, the last product and reading back are left out.
 */
export async function measureChains(
  backend: Backend,
  size: number,
  counts: readonly [few: number, many: number],
  numerics: Numerics,
  {
    rows,
    samples,
    warmUp: warmUpFor,
  }: { readonly rows: readonly number[]; readonly samples: number; readonly warmUp: number },
): Promise<readonly ChainTimes[]> {
  const probe = await backend.probe();
  if (probe.kind !== 'ready') throw new Error(probe.refusal.message);
  const { device } = probe;
  const { gpu } = device as unknown as { readonly gpu: GPUDevice };
  const open = async (count: number) => {
    const chain = linearChain(size, count);
    const selections = new Map<string, KernelSelection>();
    for (const [name, description] of chain.descriptions) {
      if (description.kind === 'norm' || description.kind === 'vector') continue;
      selections.set(name, selectKernelFor(backend.kernels, description, device, numerics));
    }
    return backend.compile({ ...chain, selections, device, numerics, kvCache: { blockSize: 16, blocks: 64 } });
  };
  const executables = [await open(counts[0]), await open(counts[1])];
  try {
    const found: ChainTimes[] = [];
    for (const count of rows) {
      const forwards: Forward[] = [];
      for (const executable of executables) {
        const batch = {
          tokenIds: Int32Array.from({ length: count }, (_, row) => row % vocabSize),
          positions: Int32Array.from({ length: count }, (_, row) => row),
          sequences: [{ firstRow: 0, rows: count, blocks: Int32Array.from({ length: 64 }, (_, block) => block) }],
          logitRows: Int32Array.of(count - 1),
        };
        const run = async () => {
          const logits = await executable.run(batch);
          if (!logits.every((one) => Number.isFinite(one)) || logits.every((one) => one === 0)) {
            throw new Error(`a chain of ${size} gives ${logits.slice(0, 4)}`);
          }
        };
        forwards.push({ ...(await recordCommands(gpu, run)), run });
      }
      const [few, many] = forwards as [Forward, Forward];
      const more = counts[1] - counts[0];
      const onDevice: number[] = [];
      const asRun: number[] = [];
      await warmUp(gpu, many.commands, warmUpFor);
      const fewOnDevice = await timeCommands(gpu, few.commands, { samples, least: 40 });
      const manyOnDevice = await timeCommands(gpu, many.commands, { samples, least: 40 });
      for (const [index, time] of manyOnDevice.entries()) onDevice.push((time - fewOnDevice[index]!) / more);
      while (asRun.length < samples) {
        asRun.push(((await timeRuns(many.run)) - (await timeRuns(few.run))) / more);
      }
      found.push({
        rows: count,
        onDevice,
        asRun,
        dispatches: (many.commands.length - few.commands.length) / more,
        submits: many.submits,
      });
    }
    return found;
  } finally {
    for (const executable of executables) await executable.close();
  }
}

/** The median of a few forwards, one after the other. */
async function timeRuns(run: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  const until = performance.now() + 60;
  while (times.length < 3 || (times.length < 15 && performance.now() < until)) {
    const start = performance.now();
    await run();
    times.push(performance.now() - start);
  }
  return median(times);
}
