import type { EmbeddingDescription } from '@lowbit/core';
import { dequantizeWeight } from '@lowbit/numerics';
import { describe, it } from 'vitest';
import { memoryBytes, type SyntheticTensor, tensorReader } from '../synthetic-tensor.ts';
import { expectClose, relativeToRow } from './expect-close.ts';
import { type EmbeddingCase, embeddingCases, type Subject, skipRefused } from './subject.ts';
import { buildWeightCase } from './weight-cases.ts';

/** Every embedding kernel over stored tables; rows are asked for out of order and twice. */
export function embeddingSuite(subject: Subject): void {
  for (const kernel of subject.backend.kernels.embedding) {
    describe(`embedding kernel ${kernel.name}`, () => {
      for (const name of embeddingCases) {
        it(`embedding:${name}`, async (context) => {
          const device = await subject.device(context);
          const { description, tensors } = describeEmbedding(name);
          const refusal = kernel.refuse(description, device, 'exact');
          if (refusal) return skipRefused(context, [refusal]);

          const { outFeatures: vocabSize, inFeatures: hiddenSize } = description.weight;
          const table = dequantizeWeight(description.weight, tensorReader(tensors));
          const tokenIds = Int32Array.of(vocabSize - 1, 0, 3, 3, 1);
          const expected = new Float64Array(tokenIds.length * hiddenSize);
          tokenIds.forEach((id, row) => {
            expected.set(table.subarray(id * hiddenSize, (id + 1) * hiddenSize), row * hiddenSize);
          });
          const embedding = await kernel.prepare(description, {
            device,
            numerics: 'exact',
            bytes: memoryBytes(tensors),
          });
          try {
            expectClose(await embedding.forward(tokenIds), relativeToRow(expected, hiddenSize), subject.tolerance);
          } finally {
            embedding.release();
          }
        });
      }
    });
  }
}

export function describeEmbedding(name: EmbeddingCase): {
  readonly description: EmbeddingDescription;
  readonly tensors: readonly SyntheticTensor[];
} {
  const { weight, tensors } = buildWeightCase(name);
  return { description: { kind: 'embedding', module: name, scheme: 'synthetic', weight }, tensors };
}
