import type { TopLogits, TopRequest } from '@lowbit/core';
import type { ModulePlan } from '../plan/module-plan.ts';
import type { ProgramPlan } from '../plan/program-plan.ts';
import type { WeightPlan } from '../plan/weight-plan.ts';

/** What `cpp/binding/addon.cc` exports. */
export interface Addon {
  readonly NativeModel: new (options: { readonly threads: number; readonly instructionSet: string }) => NativeModel;
  /** Those of this processor, the plainest first. */
  instructionSets(): string[];
  /** Empty, or what came out wrong. */
  selfTest(): string;
  /** `[out, in]`, as the weight is decoded while it is packed. */
  decodeWeight(weight: WeightPlan): Float32Array;
  /** The bytes of a weight of packed form; `asWords`: its codes were moved as whole words. */
  packWeight(weight: WeightPlan): { readonly bytes: Uint8Array; readonly asWords: boolean };
}

/** Modules and a program over them. One call at a time; a call before the last one has ended throws. */
export interface NativeModel {
  /** Reads and packs a module on all threads. */
  addModule(module: ModulePlan): Promise<{ readonly index: number; readonly bytes: number }>;
  setProgram(program: ProgramPlan): void;
  /** Logits of the wanted rows, or the value `output` of all rows. */
  run(batch: NativeBatch): Promise<Float32Array>;
  /** As `run`, with what is asked for of the logits. */
  runTop(batch: NativeBatch, request: TopRequest): Promise<TopLogits>;
  /** Bytes per second that the model's threads read from memory: the median of several passes over 256 MiB. */
  readBandwidth(): Promise<number>;
  /** Ends what runs before its next operation; the next run is a new one. */
  interrupt(): void;
  /** Ends what runs before its next operation, and frees the memory. */
  close(): void;
}

export interface NativeBatch {
  readonly rows: number;
  readonly tokenIds: Int32Array;
  readonly positions: Int32Array;
  readonly sequences: readonly {
    readonly firstRow: number;
    readonly rows: number;
    readonly blocks: Int32Array;
    readonly decoding: boolean;
  }[];
  readonly logitRows: Int32Array;
  /** Values given from outside, by index. */
  readonly inputs: readonly { readonly value: number; readonly numbers: Float32Array }[];
  readonly routing?: { readonly topK: number; readonly experts: Int32Array; readonly weights: Float32Array };
  readonly output?: number;
}
