/// <reference types="@webgpu/types" />
import {
  type ActivationQuantization,
  executionsOf,
  LayoutError,
  type LinearDescription,
  type LinearExecution,
  type Numerics,
  type Phase,
} from '@lowbit/core';
import { decodeCodes, decodeStored } from '@lowbit/numerics';
import { storageBuffer } from '../gpu/storage-buffer.ts';
import type { DeviceWeight } from '../weights/device-weight.ts';
import { type LoadContext, loadWeight } from '../weights/load-weight.ts';
import { activationConstants, storedActivations } from './activation-constants.ts';

/** A linear on the device, the same projection of all experts of a block, or several linears of one input as one. */
export interface DeviceLinear {
  readonly weight: DeviceWeight;
  /** Outputs of each linear that is part of it. */
  readonly widths: readonly number[];
  readonly numerics: Numerics;
  /** `[matrices, outFeatures]` */
  readonly bias?: GPUBuffer;
  readonly executions: readonly DeviceExecution[];
  readonly bytes: number;
  release(): void;
}

export interface DeviceExecution {
  /** Absent: rows of both. */
  readonly phase?: Phase;
  readonly activations?: { readonly rule: ActivationQuantization; readonly constants: GPUBuffer };
  /** `[matrices, outFeatures]` both. */
  readonly integer?: { readonly accumulatorBias: GPUBuffer; readonly outputScale: GPUBuffer };
}

/** @throws LayoutError where experts differ; LayoutError and TensorError for tensors that are not as described */
export async function loadLinear(
  context: LoadContext,
  module: string,
  linears: readonly LinearDescription[],
  numerics: Numerics,
  joined = false,
): Promise<DeviceLinear> {
  const { device, bytes } = context;
  const buffers: GPUBuffer[] = [];
  const keep = (content: Float32Array | Int32Array) => {
    const buffer = storageBuffer(device, content, module);
    buffers.push(buffer);
    return buffer;
  };
  const perOutput = async (pick: (linear: LinearDescription) => LinearDescription['bias'], integers = false) => {
    const tables: (Float32Array | Int32Array)[] = [];
    for (const linear of linears) {
      const stored = pick(linear);
      if (!stored) throw new LayoutError(`${linear.module}: has not all that ${linears[0]!.module} has`);
      const extents = [['out', linear.weight.outFeatures]] as const;
      const read = await bytes.read(stored.ref);
      tables.push(integers ? decodeCodes(stored, read, extents) : decodeStored(stored, read, extents));
    }
    return keep(integers ? Int32Array.from(concatenated(tables)) : Float32Array.from(concatenated(tables)));
  };
  const loadExecution = async (phase: Phase | undefined, execution: (linear: LinearDescription) => LinearExecution) => {
    const { activations: rule, integer } = execution(linears[0]!);
    const inPhase = phase === undefined ? {} : { phase };
    if (!rule || numerics === 'exact') return inPhase;
    const groups = activationConstants(rule, linears[0]!.weight.inFeatures).sizes.NUM_GROUPS;
    const stored = [];
    for (const linear of linears) stored.push(await storedActivations(execution(linear).activations!, groups, bytes));
    const constants = keep(
      Float32Array.from(concatenated([...stored.map((one) => one.scales), ...stored.map((one) => one.zeros)])),
    );
    if (!integer) return { ...inPhase, activations: { rule, constants } };
    const accumulatorBias = await perOutput((linear) => execution(linear).integer?.accumulatorBias, true);
    const outputScale = await perOutput((linear) => execution(linear).integer?.outputScale);
    return { ...inPhase, activations: { rule, constants }, integer: { accumulatorBias, outputScale } };
  };

  let weight: DeviceWeight | undefined;
  const release = () => {
    for (const buffer of buffers.splice(0)) buffer.destroy();
    weight?.release();
  };
  try {
    weight = await loadWeight(
      context,
      module,
      linears.map((linear) => linear.weight),
      joined,
    );
    const bias = linears[0]!.bias ? { bias: await perOutput((linear) => linear.bias) } : {};
    const executions: DeviceExecution[] =
      executionsOf(linears[0]!).length === 1 || numerics === 'exact'
        ? [await loadExecution(undefined, (linear) => linear)]
        : [
            await loadExecution('prefill', (linear) => linear),
            await loadExecution('decode', (linear) => linear.decoding ?? linear),
          ];
    const bytesOfBuffers = buffers.reduce((sum, { size }) => sum + size, 0);
    const widths = joined ? linears.map((linear) => linear.weight.outFeatures) : [weight.outFeatures];
    return { weight, widths, numerics, ...bias, executions, bytes: weight.bytes + bytesOfBuffers, release };
  } catch (error) {
    release();
    throw error;
  }
}

function* concatenated(tables: readonly (Float32Array | Int32Array)[]): Generator<number> {
  for (const table of tables) yield* table;
}
