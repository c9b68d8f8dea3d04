import {
  type Batch,
  type Executable,
  type KernelSelection,
  type KvCacheSize,
  NoKernelError,
  type Numerics,
  type Phase,
  selectKernelFor,
} from '@lowbit/core';
import type { TestContext } from 'vitest';
import { memoryBytes } from '../synthetic-tensor.ts';
import { type Subject, skipRefused } from './subject.ts';
import type { SyntheticProgram } from './synthetic-program.ts';

export interface CompileOptions {
  readonly kvCache: KvCacheSize;
  /** Default `exact`. */
  readonly numerics?: Numerics;
  readonly signal?: AbortSignal;
  onProgress?(done: number, total: number): void;
}

/** Compiles with the kernels that accept; skips the test where one module has none. */
export async function compileProgram(
  context: TestContext,
  { backend, ...subject }: Subject,
  { program, descriptions, tensors }: SyntheticProgram,
  { numerics = 'exact', ...options }: CompileOptions,
): Promise<Executable> {
  const device = await subject.device(context);
  const selections = new Map<string, KernelSelection>();
  for (const [name, description] of descriptions) {
    if (description.kind === 'norm' || description.kind === 'vector') continue;
    try {
      selections.set(name, selectKernelFor(backend.kernels, description, device, numerics));
    } catch (error) {
      if (!(error instanceof NoKernelError)) throw error;
      return skipRefused(context, error.refusals);
    }
  }
  const bytes = memoryBytes(tensors);
  return backend.compile({ program, descriptions, selections, device, numerics, bytes, ...options });
}

/** Some rows of one sequence. */
export interface SequenceRows {
  readonly tokenIds: readonly number[];
  /** Position of the first of them. */
  readonly start?: number;
  readonly blocks: readonly number[];
  readonly phase?: Phase;
}

/** Puts rows of sequences one after the other; logits of all rows, or of those given. */
export function makeBatch(sequences: readonly SequenceRows[], logitRows?: readonly number[]): Batch {
  let firstRow = 0;
  const tokenIds = sequences.flatMap((sequence) => sequence.tokenIds);
  return {
    tokenIds: Int32Array.from(tokenIds),
    positions: Int32Array.from(sequences.flatMap(({ tokenIds, start = 0 }) => tokenIds.map((_, row) => start + row))),
    sequences: sequences.map(({ tokenIds, blocks, phase }) => {
      const rows = { firstRow, rows: tokenIds.length, blocks: Int32Array.from(blocks) };
      const sequence = phase === undefined ? rows : { ...rows, phase };
      firstRow += tokenIds.length;
      return sequence;
    }),
    logitRows: Int32Array.from(logitRows ?? tokenIds.keys()),
  };
}
