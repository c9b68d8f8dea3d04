import compressedTensors from '@lowbit/compressed-tensors';
import { type Backend, createRegistry, type Executable, type Numerics } from '@lowbit/core';
import gptq from '@lowbit/gptq';
import { measureSpeed, openModel, type Speed } from '@lowbit/runtime';
import { median } from '../statistics.mjs';
import { type GpuCommand, recordCommands, timeCommands } from './gpu-commands.ts';

export interface ModelTimes {
  readonly loadSeconds: number;
  /** Bytes held. */
  readonly memory: Executable['memory'];
  /** Tokens per second. */
  readonly prefill: Speed;
  readonly decode: Speed;
  /** What the backend says that a step reads; absent where it does not say. */
  readonly bytesPerStep?: number;
  readonly decodeStep: StepTimes;
  readonly prefillStep: StepTimes;
}

/** One forward, as the runtime has it run. */
export interface StepTimes {
  readonly rows: number;
  /** Milliseconds on the device. */
  readonly onDevice: number;
  /** Milliseconds until the logits, or what was chosen from them, are read. */
  readonly asRun: number;
  readonly dispatches: number;
  readonly submits: number;
  /** What the dispatches of each kernel take when they are run without the others, longest first. */
  readonly kernels: readonly { readonly kernel: string; readonly dispatches: number; readonly milliseconds: number }[];
}

export const measured = { promptTokens: 512, context: 128, newTokens: 64 } as const;

/** Prefill and decoding of a checkpoint through the runtime, and what one forward of each is made of. */
export async function measureModel(
  backend: Backend,
  folder: string,
  numerics: Numerics,
  { runs, warmUp }: { readonly runs: number /** Milliseconds. */; readonly warmUp: number },
): Promise<ModelTimes> {
  const { watched, last, gpu } = await watch(backend);
  const registry = createRegistry({ methods: [compressedTensors, gptq], backends: [watched] });
  const start = performance.now();
  const model = await openModel(folder, {
    registry,
    device: `${backend.deviceKind}:${backend.name}`,
    numerics,
    contextLength: 1024,
    kvCacheTokens: 1024,
  });
  const loadSeconds = (performance.now() - start) / 1000;
  try {
    const prompt = Array.from({ length: measured.promptTokens }, (_, index) => index % model.info.vocabSize);
    for (const until = performance.now() + warmUp; performance.now() < until; ) {
      await model.complete({ prompt, sampling: { temperature: 0, maxTokens: 1 } });
    }
    const { prefill, decode } = await measureSpeed(model, { ...measured, runs });
    const [one] = decode;
    const bytesPerStep = model.bytesPerStep(1, measured.context + measured.newTokens / 2);
    return {
      loadSeconds,
      memory: model.info.memory,
      prefill,
      decode: one!,
      ...(bytesPerStep === undefined ? {} : { bytesPerStep }),
      decodeStep: await measureStep(gpu, last, 1),
      prefillStep: await measureStep(gpu, last, measured.promptTokens),
    };
  } finally {
    await model.close();
  }
}

/** The backend, and for each number of rows what repeats the last forward that had so many. */
async function watch(backend: Backend) {
  const probe = await backend.probe();
  if (probe.kind !== 'ready') throw new Error(probe.refusal.message);
  const { gpu } = probe.device as unknown as { readonly gpu: GPUDevice };
  const last = new Map<number, () => Promise<unknown>>();
  const watched: Backend = {
    ...backend,
    async compile(request) {
      const executable = await backend.compile(request);
      return new Proxy(executable, {
        get(target, name) {
          const value: unknown = Reflect.get(target, name);
          if (typeof value !== 'function' || name === 'close') return value;
          return (...given: readonly unknown[]) => {
            const [batch] = given as readonly { readonly tokenIds?: Int32Array }[];
            // Without a signal that may have been aborted since.
            const again = given.filter((one) => !(one instanceof AbortSignal));
            if (batch?.tokenIds) last.set(batch.tokenIds.length, () => Reflect.apply(value, target, again));
            return Reflect.apply(value, target, given);
          };
        },
      });
    },
  };
  return { watched, last, gpu };
}

async function measureStep(
  gpu: GPUDevice,
  last: ReadonlyMap<number, () => Promise<unknown>>,
  rows: number,
): Promise<StepTimes> {
  const run = last.get(rows);
  if (!run) throw new Error(`no forward of ${rows} rows has run`);
  const { commands, submits } = await recordCommands(gpu, run);
  const asRun: number[] = [];
  for (const until = performance.now() + 500; asRun.length < 9 || performance.now() < until; ) {
    const start = performance.now();
    await run();
    asRun.push(performance.now() - start);
  }
  const byKernel = new Map<string, GpuCommand[]>();
  for (const command of commands) byKernel.set(command.kernel, [...(byKernel.get(command.kernel) ?? []), command]);
  const kernels = [];
  for (const [kernel, own] of byKernel) {
    const milliseconds = median(await timeCommands(gpu, own, { samples: 3, least: 10 }));
    kernels.push({ kernel, dispatches: own.length, milliseconds });
  }
  return {
    rows,
    onDevice: median(await timeCommands(gpu, commands, { samples: 9, least: 40 })),
    asRun: median(asRun),
    dispatches: commands.length,
    submits,
    kernels: kernels.sort((a, b) => b.milliseconds - a.milliseconds),
  };
}
