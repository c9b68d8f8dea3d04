import { deepFreeze, type EmbeddingScheme } from '@lowbit/core';
import type { QuantizationScheme } from '../quantization-scheme.ts';
import { schemeName } from '../scheme-name.ts';
import type { LibraryVersion } from '../word-packing.ts';
import { claimWeight } from './compressed-weight.ts';

/** A table of embeddings: one row for each output of a linear of the same size. */
export function compressedEmbedding(group: QuantizationScheme, version: LibraryVersion | undefined): EmbeddingScheme {
  const scheme = schemeName(group);
  return {
    name: scheme,
    describe({ name, vocabSize, hiddenSize }, tensors) {
      const shape = { name, outFeatures: vocabSize, inFeatures: hiddenSize };
      return deepFreeze({
        kind: 'embedding',
        module: name,
        scheme,
        weight: claimWeight(group.weights, shape, version, tensors),
      });
    },
  };
}
