import type { Phase } from '@lowbit/core';

/**
 * One sequence of tokens to be computed, seen from the engine: it knows tokens, not text. Callbacks run between forwards
 * and must not throw; a failed sequence hears it by `onError`.
 */
export interface SequenceJob {
  readonly promptTokenIds: readonly number[];
  /** Does the job want the logits at this prompt position? The last position of a job that generates is always read. */
  wantsLogits(position: number): boolean;
  /** Logits after the prompt token at `position`; valid during the call. Each wanted position comes once, in order. */
  onLogits(position: number, logits: Float32Array): void;
  /** Picks the next token from the logits after the last one; undefined ends the sequence. Absent: nothing is generated. */
  readonly next?: (logits: Float32Array) => number | undefined;
  /** The prompt is computed and nothing more is to come. */
  onFinished(): void;
  onError(error: unknown): void;
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

/** Rows among the next `rows` of a sequence whose logits somebody wants, counted from the first of them. */
export function wantedRows({ job, tokenIds, computed, reported }: Sequence, rows: number): number[] {
  const wanted: number[] = [];
  for (let row = 0; row < rows; row++) {
    const position = computed + row;
    const last = position === tokenIds.length - 1;
    if ((last && job.next) || isReported(position)) wanted.push(row);
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
export function advance(sequence: Sequence, rows: number, logitsOf: (row: number) => Float32Array): boolean {
  const { job, tokenIds, computed } = sequence;
  const promptLength = job.promptTokenIds.length;
  const end = Math.min(computed + rows, promptLength);
  for (let position = Math.max(computed, sequence.reported); position < end; position++) {
    if (job.wantsLogits(position)) job.onLogits(position, logitsOf(position - computed));
    sequence.reported = position + 1;
  }
  sequence.computed += rows;
  if (sequence.computed < tokenIds.length) return true;
  const token = job.next?.(logitsOf(rows - 1));
  if (token === undefined) return false;
  tokenIds.push(token);
  return true;
}
