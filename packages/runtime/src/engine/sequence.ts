import type { Phase } from '@lowbit/core';
import type { AllLogits, RowLogits } from '../sampling/row-logits.ts';

/**
 * One sequence of tokens to be computed, seen from the engine: it knows tokens, not text. Callbacks run between forwards
 * and must not throw; a failed sequence hears it by `onError`.
 */
export interface SequenceJob {
  readonly promptTokenIds: readonly number[];
  /** Does the job want all logits at this prompt position? The last position of a job that generates is always read. */
  wantsLogits(position: number): boolean;
  /** Logits after the prompt token at `position`; valid during the call. Each wanted position comes once, in order. */
  onLogits(position: number, logits: Float32Array): void;
  /** Absent: nothing is generated. */
  readonly next?: NextToken;
  /** The prompt is computed and nothing more is to come. */
  onFinished(): void;
  onError(error: unknown): void;
}

export interface NextToken {
  /** How many of the largest logits are enough to pick by; 0: all are needed. */
  readonly count: number;
  /** Whether `logSumExp` of the largest is read. */
  readonly logSumExp: boolean;
  /** Picks from the logits after the last token, which are as many as said or all; undefined ends the sequence. */
  pick(row: RowLogits): number | undefined;
}

/** A job with its place in the KV cache. */
export interface Sequence {
  readonly job: SequenceJob;
  /** Prompt and output. */
  readonly tokenIds: number[];
  /** Tokens whose keys and values are in the cache. */
  computed: number;
  readonly blocks: number[];
  /** Prompt positions before this one have been reported, also if they are computed again. */
  reported: number;
}

export function createSequence(job: SequenceJob): Sequence {
  return { job, tokenIds: [...job.promptTokenIds], computed: 0, blocks: [], reported: 0 };
}

/** Tokens to compute next at most: those of one phase, so that a prompt and what follows it never share a part. */
export function countPending(sequence: Sequence): number {
  const { job, tokenIds, computed } = sequence;
  const end = phaseOf(sequence) === 'prefill' ? job.promptTokenIds.length : tokenIds.length;
  return end - computed;
}

export function phaseOf({ job, computed }: Sequence): Phase {
  return computed < job.promptTokenIds.length ? 'prefill' : 'decode';
}

export interface WantedRow {
  /** Counted from the first row that is computed next. */
  readonly row: number;
  /** How many of its largest logits; 0: all. */
  readonly count: number;
}

/** Rows among the next `rows` of a sequence whose logits somebody wants. */
export function wantedRows({ job, tokenIds, computed, reported }: Sequence, rows: number): readonly WantedRow[] {
  const wanted: WantedRow[] = [];
  for (let row = 0; row < rows; row++) {
    const position = computed + row;
    if (isReported(position)) wanted.push({ row, count: 0 });
    else if (position === tokenIds.length - 1 && job.next) wanted.push({ row, count: job.next.count });
  }
  return wanted;

  function isReported(position: number): boolean {
    return position >= reported && position < job.promptTokenIds.length && job.wantsLogits(position);
  }
}

/**
 * Takes note of `rows` computed rows and hands their logits to the job.
 * @returns whether the sequence goes on
 */
export function advance(sequence: Sequence, rows: number, logitsOf: (row: number) => RowLogits): boolean {
  const { job, tokenIds, computed } = sequence;
  const promptLength = job.promptTokenIds.length;
  const end = Math.min(computed + rows, promptLength);
  for (let position = Math.max(computed, sequence.reported); position < end; position++) {
    if (job.wantsLogits(position)) job.onLogits(position, (logitsOf(position - computed) as AllLogits).logits);
    sequence.reported = position + 1;
  }
  sequence.computed += rows;
  if (sequence.computed < tokenIds.length) return true;
  const token = job.next?.pick(logitsOf(rows - 1));
  if (token === undefined) return false;
  tokenIds.push(token);
  return true;
}
