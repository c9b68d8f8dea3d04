import type { Executable } from '@lowbit/core';
import type { RowLogits } from '../sampling/row-logits.ts';
import { type BatchPart, joinBatch } from './batch.ts';
import type { BlockPool } from './block-pool.ts';
import { runRows } from './run-rows.ts';
import {
  advance,
  countPending,
  createSequence,
  phaseOf,
  type Sequence,
  type SequenceJob,
  wantedRows,
} from './sequence.ts';

/** Runs many sequences through one executable, a batch at a time. */
export interface Engine {
  /**
   * Adds a sequence; it joins the running batch as soon as there is room. The answer takes it out again, and interrupts a
   * forward that computes for no other.
   */
  submit(job: SequenceJob): { cancel(): void };
  readonly running: number;
  readonly waiting: number;
  /** Forgets all sequences (their owners must have ended them), interrupts the forward in progress and waits for its end. */
  close(): Promise<void>;
}

export interface EngineOptions {
  readonly executable: Executable;
  readonly pool: BlockPool;
  /** Most sequences in one batch. */
  readonly maxRunning: number;
  /** Most prompt tokens in one forward. */
  readonly prefillChunk: number;
  readonly vocabSize: number;
}

/**
 * Continuous batching: every forward takes one token of each sequence that generates, and fills up with prompt tokens
 * of those that begin. First come, first served. When the cache is full the youngest sequence gives its blocks back and
 * is computed again later, which changes nothing in its result.
 */
export function createEngine({ executable, pool, maxRunning, prefillChunk, vocabSize }: EngineOptions): Engine {
  const waiting: Sequence[] = [];
  const running: Sequence[] = [];
  const cancelled = new Set<Sequence>();
  /** The forward in progress: worth nothing once all of its sequences are cancelled. */
  let forward: { readonly sequences: readonly Sequence[]; readonly interruption: AbortController } | undefined;
  let loop: Promise<void> | undefined;

  function submit(job: SequenceJob) {
    const sequence = createSequence(job);
    waiting.push(sequence);
    loop ??= runAll().finally(() => {
      loop = undefined;
    });
    return { cancel: () => cancel(sequence) };
  }

  function cancel(sequence: Sequence): void {
    cancelled.add(sequence);
    if (forward?.sequences.every((one) => cancelled.has(one))) forward.interruption.abort();
  }

  async function runAll(): Promise<void> {
    while (waiting.length + running.length > 0) {
      // Lets requests arrive, sockets close and chunks be read between two forwards.
      await nextTurn();
      dropCancelled();
      admit();
      await step();
    }
  }

  async function step(): Promise<void> {
    const planned = planRows();
    if (planned.length === 0) return;
    const wanted = planned.map(({ sequence, rows }) => wantedRows(sequence, rows));
    const parts = planned.map(({ sequence, rows }, index): BatchPart => {
      const { tokenIds, computed, blocks } = sequence;
      return {
        tokenIds: tokenIds.slice(computed, computed + rows),
        position: computed,
        phase: phaseOf(sequence),
        blocks,
        logitRows: wanted[index]!.map(({ row }) => row),
      };
    });
    const request = {
      counts: Int32Array.from(wanted.flat(), ({ count }) => Math.min(count, vocabSize)),
      logSumExp: planned.some(({ sequence }) => sequence.job.next?.logSumExp),
    };
    const interruption = new AbortController();
    forward = { sequences: planned.map(({ sequence }) => sequence), interruption };
    try {
      const answers = await runRows(executable, vocabSize, joinBatch(parts), request, interruption.signal);
      let firstAnswer = 0;
      planned.forEach(({ sequence, rows }, index) => {
        const { logitRows } = parts[index]!;
        const first = firstAnswer;
        firstAnswer += logitRows.length;
        if (cancelled.has(sequence)) return;
        finishStep(sequence, rows, (row) => answers[first + logitRows.indexOf(row)]!);
      });
    } catch (error) {
      for (const { sequence } of planned) {
        retire(sequence);
        if (!cancelled.has(sequence)) sequence.job.onError(error);
      }
    } finally {
      forward = undefined;
    }
  }

  /** One token for each sequence that generates, then prompt tokens up to the chunk, oldest first. */
  function planRows(): { sequence: Sequence; rows: number }[] {
    const planned: { sequence: Sequence; rows: number }[] = [];
    let budget = prefillChunk;
    for (let index = 0; index < running.length; index++) {
      const sequence = running[index]!;
      const pending = countPending(sequence);
      const rows = pending === 1 ? 1 : Math.min(pending, budget);
      if (rows === 0) continue;
      if (!makeRoom(sequence, sequence.computed + rows)) continue;
      if (pending > 1) budget -= rows;
      planned.push({ sequence, rows });
    }
    return planned;
  }

  /** Grows a sequence's blocks, sending the youngest back to wait while too few are free; false if that was itself. */
  function makeRoom(sequence: Sequence, tokens: number): boolean {
    while (!pool.grow(sequence.blocks, tokens)) {
      const youngest = running.pop()!;
      pool.release(youngest.blocks);
      youngest.computed = 0;
      waiting.unshift(youngest);
      if (youngest === sequence) return false;
    }
    return true;
  }

  /** Takes in waiting sequences whose tokens so far, and the next one, fit the cache. */
  function admit(): void {
    while (running.length < maxRunning) {
      const sequence = waiting[0];
      if (!sequence) return;
      const tokens = sequence.tokenIds.length + (sequence.job.next ? 1 : 0);
      if (!pool.grow(sequence.blocks, tokens)) return;
      waiting.shift();
      running.push(sequence);
    }
  }

  function finishStep(sequence: Sequence, rows: number, logitsOf: (row: number) => RowLogits): void {
    try {
      if (advance(sequence, rows, logitsOf)) return;
      retire(sequence);
      sequence.job.onFinished();
    } catch (error) {
      retire(sequence);
      sequence.job.onError(error);
    }
  }

  function dropCancelled(): void {
    for (const sequence of cancelled) retire(sequence);
    cancelled.clear();
  }

  function retire(sequence: Sequence): void {
    pool.release(sequence.blocks);
    for (const list of [running, waiting]) {
      const index = list.indexOf(sequence);
      if (index >= 0) list.splice(index, 1);
    }
  }

  return {
    submit,
    get running() {
      return running.length;
    },
    get waiting() {
      return waiting.length;
    },
    async close() {
      for (const sequence of [...running, ...waiting]) cancel(sequence);
      await loop;
    },
  };
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === 'function') setImmediate(resolve);
    else setTimeout(resolve, 0);
  });
}
