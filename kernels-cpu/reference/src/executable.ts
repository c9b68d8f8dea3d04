import {
  type Batch,
  type CompileRequest,
  checkBatch,
  checkProgram,
  checkTopRequest,
  createRunGate,
  type Executable,
  type Logits,
  type Phase,
  selectTopLogits,
} from '@lowbit/core';
import { bindOperation, type Run } from './bind-operation.ts';
import { prepareModules, releaseModules } from './prepare-modules.ts';

/**
 * Prepares the modules and binds the operations to them; a run then walks the list.
 * @throws LowbitError PROGRAM for a program that does not fit its descriptions; the signal's reason once aborted
 */
export async function compile(request: CompileRequest): Promise<Executable> {
  const { program, kvCache } = request;
  checkProgram(request);
  const modules = await prepareModules(request);
  let steps = program.operations.map((operation, index) => bindOperation(operation, index, modules));
  const gate = createRunGate();

  const memory = { weights: 0, kvCache: 0 };
  const moduleBytes = new Map<string, number>();
  for (const [name, { kind, bytes }] of modules) {
    memory[kind === 'kvCache' ? 'kvCache' : 'weights'] += bytes;
    moduleBytes.set(name, bytes);
  }

  const runSteps = async (batch: Batch, signal: AbortSignal | undefined): Promise<Logits> => {
    checkBatch(batch, program, kvCache);
    const values = new Map<string, Float32Array>();
    const run: Run = {
      batch,
      phases: phasesOf(batch),
      value(name) {
        const value = values.get(name) ?? new Float32Array(batch.tokenIds.length * program.values[name]!);
        values.set(name, value);
        return value;
      },
      store: (name, value) => values.set(name, value),
      logits: new Float32Array(),
    };
    for (const step of steps) {
      if (gate.closed) break;
      signal?.throwIfAborted();
      await step(run);
    }
    return run.logits;
  };

  return {
    memory,
    moduleBytes,
    run: (batch, signal) => gate.alone(() => runSteps(batch, signal)),
    runTop: (batch, request, signal) =>
      gate.alone(async () => {
        checkTopRequest(request, batch, program);
        return selectTopLogits(await runSteps(batch, signal), program.vocabSize, request);
      }),
    async close() {
      gate.close();
      steps = [];
      releaseModules(modules);
    },
  };
}

function phasesOf({ sequences }: Batch): readonly Phase[] {
  return sequences.flatMap(({ rows, phase = 'prefill' }) => Array<Phase>(rows).fill(phase));
}
