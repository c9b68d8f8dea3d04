import {
  type Batch,
  type CompileRequest,
  checkBatch,
  checkProgram,
  checkTopRequest,
  createRunGate,
  type Executable,
  LowbitError,
  type ModuleSpec,
} from '@lowbit/core';
import type { NativeBatch, NativeModel } from './addon/addon.ts';
import { loadAddon } from './addon/load-addon.ts';
import type { NativeDevice } from './device/native-device.ts';
import { type ModulePlan, planModule } from './plan/module-plan.ts';
import { planProgram } from './plan/program-plan.ts';

/**
 * Hands the modules to the addon one after the other, so that the plans of only two are in memory at a time, then the
 * program. A run is one call.
 * @throws LowbitError PROGRAM for a program that does not fit its descriptions; the signal's reason once aborted
 */
export async function compile(request: CompileRequest<NativeDevice>): Promise<Executable> {
  const { program, kvCache, device } = request;
  checkProgram(request);
  const { instructionSet } = device;
  const threads = request.threads ?? device.threads;
  const model = new (loadAddon().NativeModel)({ threads, instructionSet });
  const memory = { weights: 0, kvCache: 0 };
  const moduleBytes = new Map<string, number>();
  try {
    const indices = new Map<string, number>();
    const { modules } = program;
    let plan = modules[0] && (await planOf(modules[0], request));
    for (const [position, spec] of modules.entries()) {
      request.signal?.throwIfAborted();
      const adding = addModule(model, spec, plan!);
      // The next one is planned while this one is packed, on other threads.
      const next = modules[position + 1];
      const [{ index, bytes }, planned] = await settled(adding, next && planOf(next, request));
      plan = planned;
      indices.set(spec.name, index);
      moduleBytes.set(spec.name, bytes);
      memory[spec.kind === 'kvCache' ? 'kvCache' : 'weights'] += bytes;
      request.onProgress?.(indices.size, modules.length);
    }
    model.setProgram(planProgram(program, indices, request.numerics));
  } catch (error) {
    model.close();
    throw error;
  }

  const gate = createRunGate();
  const runUntilAborted = async <T>(
    batch: Batch,
    signal: AbortSignal | undefined,
    start: (batch: NativeBatch) => Promise<T>,
  ): Promise<T> => {
    checkBatch(batch, program, kvCache);
    signal?.throwIfAborted();
    const interrupt = () => model.interrupt();
    signal?.addEventListener('abort', interrupt);
    try {
      return await start(nativeBatch(batch));
    } catch (error) {
      throw signal?.aborted ? signal.reason : error;
    } finally {
      signal?.removeEventListener('abort', interrupt);
    }
  };

  return {
    memory,
    moduleBytes,
    run: (batch, signal) => gate.alone(() => runUntilAborted(batch, signal, (rows) => model.run(rows))),
    runTop: (batch, request, signal) =>
      gate.alone(async () => {
        checkTopRequest(request, batch, program);
        return runUntilAborted(batch, signal, (rows) => model.runTop(rows, request));
      }),
    measureReadBandwidth: () => gate.alone(() => model.readBandwidth()),
    async close() {
      gate.close();
      model.close();
    },
  };
}

/** Both, or the failure of the first one that failed, once neither runs any more. */
async function settled<A, B>(first: Promise<A>, second: Promise<B> | undefined): Promise<[A, B | undefined]> {
  await Promise.allSettled([first, second]);
  return [await first, await second];
}

function planOf(spec: ModuleSpec, request: CompileRequest<NativeDevice>): Promise<ModulePlan> {
  return planModule(spec, request.descriptions.get(spec.name)!, request);
}

async function addModule(model: NativeModel, spec: ModuleSpec, plan: ModulePlan) {
  try {
    return await model.addModule(plan);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new LowbitError({ code: 'NATIVE_MODULE', message: `module ${spec.name}: ${reason}`, cause });
  }
}

function nativeBatch({ tokenIds, positions, sequences, logitRows }: Batch): NativeBatch {
  return {
    rows: tokenIds.length,
    tokenIds,
    positions,
    sequences: sequences.map(({ firstRow, rows, blocks, phase }) => ({
      firstRow,
      rows,
      blocks,
      decoding: phase === 'decode',
    })),
    logitRows,
    inputs: [],
  };
}
