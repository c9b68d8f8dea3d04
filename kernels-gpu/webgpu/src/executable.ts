/// <reference types="@webgpu/types" />
import {
  type Batch,
  type CompileRequest,
  checkBatch,
  checkProgram,
  checkTopRequest,
  createRunGate,
  type Executable,
  type LinearDescription,
  type Logits,
  type ModelProgram,
  selectTopLogits,
} from '@lowbit/core';
import { bindingBytes, type WebgpuDevice } from './device/webgpu-device.ts';
import { watchAllocations } from './gpu/allocations.ts';
import { deviceError } from './gpu/read-back.ts';
import { loadLinear } from './linear/device-linear.ts';
import { joinedName, linearsToJoin } from './linear/join-linears.ts';
import { createStaging } from './load/staging.ts';
import { createPlan, type Plan } from './run/plan.ts';
import { planOperations } from './run/plan-operations.ts';
import { addModule, type DeviceModules, noModules, releaseModules } from './run/prepare-modules.ts';
import { createRowBuffers, sliceRows } from './run/row-buffers.ts';
import { runSlice } from './run/run-slice.ts';
import { planSelect, type SelectBuffers } from './select/plan-select.ts';
import { canSelect, runTop } from './select/run-top.ts';

/** Rows of one submission, and numbers of its logits. */
const most = { rows: 512, logits: 2 ** 23 };

/**
 * Loads the modules one after the other, then compiles all shaders at once. A run is one submission for each 512 rows.
 * @throws LowbitError PROGRAM for a program that does not fit its descriptions; DEVICE_MEMORY, DEVICE_LIMIT and DEVICE_LOST
 * where the device is too small or gone; the signal's reason once aborted
 */
export async function compile(given: CompileRequest<WebgpuDevice>): Promise<Executable> {
  checkProgram(given);
  const allocations = watchAllocations(given.device.gpu, given.device.name);
  const request = { ...given, device: { ...given.device, allocations } };
  const { program, kvCache, device } = request;
  const modules = noModules();
  let plan: Plan | undefined;
  const release = () => {
    plan?.release();
    releaseModules(modules);
  };
  let memory: Executable['memory'];
  let commandsFor: Awaited<ReturnType<Plan['finish']>>;
  let logits: GPUBuffer;
  let select: SelectBuffers;
  try {
    memory = await loadModules(modules, request);
    plan = createPlan(device, createRowBuffers(device, capacities(request), kvCache));
    logits = plan.buffer('logits', 4 * plan.rows.logitCapacity * program.vocabSize);
    planOperations(plan, modules, program, logits);
    select = planSelect(plan, logits, program.vocabSize);
    commandsFor = await plan.finish();
    await allocations.settle();
  } catch (error) {
    release();
    await forgetFaults(device);
    await allocations.settle();
    throw deviceError(device, error);
  }

  const ready = plan;
  const gate = createRunGate();
  const runAll = async (batch: Batch, signal: AbortSignal | undefined): Promise<Logits> => {
    const all = new Float32Array(batch.logitRows.length * program.vocabSize);
    let written = 0;
    for (const slice of sliceRows(batch, ready.rows, kvCache)) {
      signal?.throwIfAborted();
      const length = slice.logitRows.length * program.vocabSize;
      all.set(await runSlice(ready, commandsFor, batch, slice, logits, length), written);
      written += length;
      if (gate.closed) break;
    }
    return all;
  };

  return {
    memory,
    run: (batch, signal) =>
      gate.alone(async () => {
        checkBatch(batch, program, kvCache);
        return runAll(batch, signal);
      }),
    runTop: (batch, request, signal) =>
      gate.alone(async () => {
        checkBatch(batch, program, kvCache);
        checkTopRequest(request, batch, program);
        if (!canSelect(select, request)) {
          return selectTopLogits(await runAll(batch, signal), program.vocabSize, request);
        }
        return runTop(ready, commandsFor, select, batch, kvCache, request, () => {
          signal?.throwIfAborted();
          return !gate.closed;
        });
      }),
    async close() {
      gate.close();
      release();
    },
  };
}

async function loadModules(
  modules: DeviceModules,
  request: CompileRequest<WebgpuDevice>,
): Promise<Executable['memory']> {
  const { program, descriptions, device, bytes, signal } = request;
  const staging = createStaging(device);
  const memory = { weights: 0, kvCache: 0 };
  const joined = linearsToJoin(program, descriptions, request.numerics);
  let done = 0;
  try {
    for (const spec of program.modules) {
      signal?.throwIfAborted();
      const context = { device, staging, bytes };
      const group = joined.find((names) => names.includes(spec.name));
      if (group === undefined) {
        const size = await addModule(modules, context, spec, descriptions.get(spec.name)!, request);
        memory[spec.kind === 'kvCache' ? 'kvCache' : 'weights'] += size;
      } else if (!modules.linears.has(joinedName(group))) {
        const parts = group.map((name) => descriptions.get(name) as LinearDescription);
        const linear = await loadLinear(context, joinedName(group), parts, request.numerics, true);
        modules.linears.set(joinedName(group), linear);
        memory.weights += linear.bytes;
      }
      device.allocations?.check();
      request.onProgress?.(++done, program.modules.length);
    }
    return memory;
  } finally {
    await staging.close();
  }
}

/** As many rows as the widest buffer between two operations allows. */
function capacities({ program, descriptions, device }: CompileRequest<WebgpuDevice>) {
  const numbers = bindingBytes(device) / 4;
  let widest = Math.max(...Object.values(program.values));
  for (const operation of program.operations) {
    if (operation.kind === 'attention') {
      const { numHeads, headSize, valueHeadSize = headSize } = operation;
      widest = Math.max(widest, numHeads * (valueHeadSize + 2));
    }
    if (operation.kind === 'moe') widest = Math.max(widest, operation.topK * expertWidth(program, operation.module));
  }
  for (const description of descriptions.values()) {
    if (description.kind === 'linear') widest = Math.max(widest, description.weight.inFeatures);
  }
  const capacity = Math.max(1, Math.min(most.rows, Math.floor(numbers / widest)));
  const logitCapacity = Math.max(1, Math.min(capacity, Math.floor(Math.min(numbers, most.logits) / program.vocabSize)));
  return { capacity, logitCapacity };
}

function expertWidth({ modules }: ModelProgram, name: string): number {
  const spec = modules.find((module) => module.name === name);
  return spec?.kind === 'moe' ? Math.max(spec.hiddenSize, spec.intermediateSize) : 0;
}

/** What a load that failed brought about, such as the use of a buffer that did not fit, is no fault of the next model. */
async function forgetFaults(device: WebgpuDevice): Promise<void> {
  await device.gpu.queue.onSubmittedWorkDone().catch(() => {});
  device.takeFault();
}
