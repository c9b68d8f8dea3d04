import {
  type Batch,
  type CompileRequest,
  checkBatch,
  checkProgram,
  createRunGate,
  type Executable,
  LowbitError,
  type ModuleSpec,
} from '@lowbit/core';
import type { NativeBatch, NativeModel } from './addon/addon.ts';
import { loadAddon } from './addon/load-addon.ts';
import type { NativeDevice } from './device/native-device.ts';
import { planModule } from './plan/module-plan.ts';
import { planProgram } from './plan/program-plan.ts';

/**
 * Hands the modules to the addon one after the other, so that the plan of only one is in memory at a time, then the
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
    for (const spec of program.modules) {
      request.signal?.throwIfAborted();
      const { index, bytes } = await addModule(model, spec, request);
      indices.set(spec.name, index);
      moduleBytes.set(spec.name, bytes);
      memory[spec.kind === 'kvCache' ? 'kvCache' : 'weights'] += bytes;
      request.onProgress?.(indices.size, program.modules.length);
    }
    model.setProgram(planProgram(program, indices, request.numerics));
  } catch (error) {
    model.close();
    throw error;
  }

  const gate = createRunGate();
  return {
    memory,
    moduleBytes,
    run: (batch) =>
      gate.alone(() => {
        checkBatch(batch, program, kvCache);
        return model.run(nativeBatch(batch));
      }),
    measureReadBandwidth: () => gate.alone(() => model.readBandwidth()),
    async close() {
      gate.close();
      model.close();
    },
  };
}

async function addModule(model: NativeModel, spec: ModuleSpec, request: CompileRequest<NativeDevice>) {
  const plan = await planModule(spec, request.descriptions.get(spec.name)!, request);
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
