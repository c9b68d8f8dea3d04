import type { ModuleDescription } from './description.ts';
import type { Device, ListedDevice, Numerics, Phase } from './device.ts';
import type { Kernels } from './kernel.ts';
import type { ModelProgram } from './program.ts';
import type { Refusal } from './refusal.ts';
import type { KernelSelection } from './select-kernel.ts';
import type { TensorBytes } from './tensor-ref.ts';
import type { TopLogits, TopRequest } from './top-logits.ts';

/** Something that runs programs on one kind of device. The default export of a kernel package. */
export interface Backend<D extends Device = Device> {
  readonly specificationVersion: 'v1';
  readonly name: string;
  /** The kind of device it runs on, `cpu`. */
  readonly deviceKind: string;
  /** An oracle is chosen by itself only where nothing else of its kind can run. */
  readonly oracle?: boolean;
  /** Chosen only where its name is given: a driver in software, which is slower than the backends of the processor. */
  readonly byNameOnly?: boolean;
  readonly kernels: Kernels<D>;
  /**
   * Loads what is needed, computes something small and checks it; or says why not. Never throws for absent hardware.
   * @param wanted which of several devices, as written after the backend's name: `H100` of `webgpu:hardware:H100`
   */
  probe(wanted?: string): Promise<ProbeResult<D>>;
  /** The devices that there are to choose from, none opened for use. Absent where `probe` takes no choice. */
  listDevices?(): Promise<readonly ListedDevice[]>;
  /** Reads the weights and makes the program ready to run. */
  compile(request: CompileRequest<D>): Promise<Executable>;
}

export type ProbeResult<D extends Device = Device> =
  | { readonly kind: 'ready'; readonly device: D }
  | { readonly kind: 'unavailable'; readonly refusal: Refusal };

export interface CompileRequest<D extends Device = Device> {
  readonly program: ModelProgram;
  /** One per module of the program, by name. */
  readonly descriptions: ReadonlyMap<string, ModuleDescription>;
  /** The kernel of each linear, embedding and KV cache, by module name. */
  readonly selections: ReadonlyMap<string, KernelSelection>;
  readonly device: D;
  readonly numerics: Numerics;
  readonly bytes: TensorBytes;
  readonly kvCache: KvCacheSize;
  /** Most threads that a backend of the processor computes with. Absent: the backend's choice. */
  readonly threads?: number;
  readonly signal?: AbortSignal;
  /** Called as modules become ready. */
  onProgress?(done: number, total: number): void;
}

/** The paged KV cache: `blocks` blocks of `blockSize` tokens, shared by all sequences. */
export interface KvCacheSize {
  readonly blockSize: number;
  readonly blocks: number;
}

/** A program, compiled. Runs one batch at a time. */
export interface Executable {
  readonly memory: { readonly weights: number; readonly kvCache: number };
  /** Bytes that each module holds. Absent where a backend does not know. */
  readonly moduleBytes?: ReadonlyMap<string, number>;
  /**
   * Once the signal is aborted, ends before its next operation and rejects with the signal's reason, unless it is done. What the
   * batch wrote to the KV cache is then undefined.
   */
  run(batch: Batch, signal?: AbortSignal): Promise<Logits>;
  /**
   * As `run`, for callers that need no more than the likeliest tokens of some rows: the vocabulary's logits stay where they were computed.
   * Absent where a backend has no better way than `selectTopLogits` of what `run` answers.
   */
  runTop?(batch: Batch, request: TopRequest, signal?: AbortSignal): Promise<TopLogits>;
  /**
   * Bytes per second that this executable's threads read from memory, measured now and while nothing runs: what decoding
   * is held against. Absent where a backend cannot tell.
   */
  measureReadBandwidth?(): Promise<number>;
  close(): Promise<void>;
}

/** Rows of several sequences, one after the other; each sequence continues where its cached tokens end. */
export interface Batch {
  /** Shape `[tokens]`. */
  readonly tokenIds: Int32Array;
  /** Position of each token in its own sequence, `[tokens]`. */
  readonly positions: Int32Array;
  readonly sequences: readonly BatchSequence[];
  /** Rows whose logits are wanted, ascending. */
  readonly logitRows: Int32Array;
}

export interface BatchSequence {
  /** First row and number of rows of this sequence in the batch. */
  readonly firstRow: number;
  readonly rows: number;
  /** Blocks that hold the sequence's keys and values, in order; enough for its last position. */
  readonly blocks: Int32Array;
  /** Of all its rows in this batch. Default `prefill`. */
  readonly phase?: Phase;
}

/** Shape `[logitRows, vocab]`. */
export type Logits = Float32Array;
