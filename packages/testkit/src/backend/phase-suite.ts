import type { Batch, EmbeddingDescription } from '@lowbit/core';
import { dequantizeWeight } from '@lowbit/numerics';
import { describe, expect, it } from 'vitest';
import { tensorReader } from '../synthetic-tensor.ts';
import { describeActivationCase } from './activation-suite.ts';
import { expectClose, relativeToRow } from './expect-close.ts';
import { expectedExecution } from './expected-execution.ts';
import { compileProgram, makeBatch, type SequenceRows } from './run-program.ts';
import type { Subject } from './subject.ts';
import { type SyntheticProgram, syntheticProgram } from './synthetic-program.ts';

const { description, tensors } = describeActivationCase('int8-token-decoding-integer-constants');
const { outFeatures, inFeatures } = description.weight;
const kvCache = { blockSize: 4, blocks: 8 };

/** Prompts and continuations side by side; the same tokens in both phases. */
const sequences: readonly SequenceRows[] = [
  { tokenIds: [3, 14, 7], blocks: [5], phase: 'prefill' },
  { tokenIds: [14, 3], blocks: [0], phase: 'decode' },
  { tokenIds: [21], blocks: [7] },
  { tokenIds: [7], blocks: [2], phase: 'decode' },
];

/** A linear that treats generated tokens in another way, as an operation and as the head. */
const programs: Readonly<Record<string, () => SyntheticProgram>> = {
  linear: () =>
    syntheticProgram({ vocabSize: outFeatures, contextLength: 8 }, (builder) => {
      const input = builder.embedding('hidden', inFeatures);
      const output = builder.value('projected', outFeatures);
      builder.operation({
        kind: 'linear',
        input,
        parts: [{ module: builder.described(description, tensors), output }],
      });
      builder.valueAsLogits(output);
    }),
  head: () =>
    syntheticProgram({ vocabSize: outFeatures, contextLength: 8 }, (builder) => {
      const input = builder.embedding('hidden', inFeatures);
      builder.operation({ kind: 'logits', module: builder.described(description, tensors, 'head'), input });
    }),
};

/** Rows of one batch run in the phase of their sequence, each as it runs alone. */
export function phaseSuite(subject: Subject): void {
  describe('phases in one batch', () => {
    for (const [name, build] of Object.entries(programs)) {
      it(`${name}, faithful: each sequence in its own`, async (context) => {
        const synthetic = build();
        const executable = await compileProgram(context, subject, synthetic, { kvCache, numerics: 'faithful' });
        try {
          const together = await executable.run(makeBatch(sequences));
          expectClose(together, relativeToRow(expectedValues(synthetic), outFeatures), subject.tolerance);
          const alone: number[] = [];
          for (const sequence of sequences) alone.push(...(await executable.run(makeBatch([sequence]))));
          expectClose(together, relativeToRow(Float64Array.from(alone), outFeatures), subject.tolerance);
          if (subject.bitExactBatches) expect([...together]).toEqual(alone);

          const some = await executable.run(makeBatch(sequences, [1, 4, 6]));
          const rows = [1, 4, 6].flatMap((row) => [...together.slice(row * outFeatures, (row + 1) * outFeatures)]);
          expectClose(some, relativeToRow(Float64Array.from(rows), outFeatures), subject.tolerance);
        } finally {
          await executable.close();
        }
      });

      it(`${name}, exact: no difference`, async (context) => {
        const executable = await compileProgram(context, subject, build(), { kvCache });
        try {
          const logits = await executable.run(makeBatch(sequences));
          const prefill = await executable.run(allPrefill(makeBatch(sequences)));
          expectClose(logits, relativeToRow(Float64Array.from(prefill), outFeatures), subject.tolerance);
        } finally {
          await executable.close();
        }
      });
    }
  });
}

function allPrefill(batch: Batch): Batch {
  return { ...batch, sequences: batch.sequences.map((sequence) => ({ ...sequence, phase: 'prefill' })) };
}

function expectedValues({ descriptions, tensors: stored }: SyntheticProgram): Float64Array {
  const read = tensorReader(stored);
  const table = dequantizeWeight((descriptions.get('embedding') as EmbeddingDescription).weight, read);
  const values = sequences.flatMap(({ tokenIds, phase }) => {
    const x = tokenIds.flatMap((id) => [...table.subarray(id * inFeatures, (id + 1) * inFeatures)]);
    return [...expectedExecution(description, phase, Float32Array.from(x), read).values];
  });
  return Float64Array.from(values);
}
