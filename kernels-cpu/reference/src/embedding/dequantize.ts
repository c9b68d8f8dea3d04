import type { EmbeddingKernel } from '@lowbit/core';
import { dequantizeWeight } from '@lowbit/numerics';
import { readTensors } from '../read-tensors.ts';

/** Holds the whole table dequantized, f32 `[vocab, hidden]`. */
export const dequantizeTable: EmbeddingKernel = {
  name: 'reference/dequantize-table',
  refuse: () => undefined,
  bytes: ({ weight }) => weight.outFeatures * weight.inFeatures * Float32Array.BYTES_PER_ELEMENT,
  async prepare(description, { bytes }) {
    const hiddenSize = description.weight.inFeatures;
    let table = dequantizeWeight(description.weight, await readTensors(description, bytes));
    return {
      async forward(tokenIds) {
        const rows = new Float32Array(tokenIds.length * hiddenSize);
        tokenIds.forEach((id, row) => {
          rows.set(table.subarray(id * hiddenSize, (id + 1) * hiddenSize), row * hiddenSize);
        });
        return rows;
      },
      release() {
        table = new Float32Array();
      },
    };
  },
};
