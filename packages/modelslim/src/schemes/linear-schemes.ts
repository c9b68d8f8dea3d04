import { deepFreeze, type EmbeddingScheme, type LinearScheme, type TensorClaims } from '@lowbit/core';
import { claimBias, type WeightSize } from '../claim-tables.ts';
import { dynamicActivations } from './activations.ts';
import { wfp8afp8Dynamic } from './fp8.ts';
import { int4Weight, int8Weight } from './int-weights.ts';
import type { LinearParts } from './linear-parts.ts';
import { mxfp4DualScaleWeight, mxfp4Weight, mxfp8Weight } from './mx.ts';
import { w4a8Dynamic } from './w4a8-dynamic.ts';
import { w8a8, w8a8Mix } from './w8a8.ts';

const dualScale = 'W4A4_MXFP4_DUALSCALE';

type ReadParts = (tensors: TensorClaims, module: WeightSize, groupSize: number) => LinearParts;

/** Every quantized type that is read, by its type string. */
const quantTypes: Readonly<Record<string, ReadParts>> = {
  W8A8: w8a8,
  W8A8_MIX: w8a8Mix,
  W8A8_DYNAMIC: (tensors, module, groupSize) => ({
    weight: int8Weight(tensors, module, { groupSize }),
    activations: dynamicActivations.int8,
  }),
  W8A16: (tensors, module, groupSize) => ({ weight: int8Weight(tensors, module, { groupSize, needsOffset: true }) }),
  W4A16: (tensors, module, groupSize) => ({
    weight: int4Weight(tensors, module, { groupSize, needsOffset: true, packings: ['none', 'in', 'out'] }),
  }),
  W4A8_DYNAMIC: w4a8Dynamic,
  W4A4_DYNAMIC: (tensors, module, groupSize) => ({
    weight: int4Weight(tensors, module, { groupSize, packings: ['none'] }),
    activations: dynamicActivations.int4,
  }),
  WFP8AFP8_DYNAMIC: wfp8afp8Dynamic,
  W8A8FP8_DYNAMIC: wfp8afp8Dynamic,
  W8A8_MXFP8: (tensors, module) => ({
    weight: mxfp8Weight(tensors, module),
    activations: dynamicActivations.mxfp8,
  }),
  W4A8_MXFP: (tensors, module) => ({ weight: mxfp4Weight(tensors, module), activations: dynamicActivations.mxfp8 }),
  W4A4_MXFP4: (tensors, module) => ({ weight: mxfp4Weight(tensors, module), activations: dynamicActivations.mxfp4 }),
  W4A16_MXFP4: (tensors, module) => ({ weight: mxfp4Weight(tensors, module) }),
  [dualScale]: (tensors, module) => ({ weight: mxfp4DualScaleWeight(tensors, module) }),
};

export const quantizedTypes: readonly string[] = Object.keys(quantTypes);

/** What is not run as the type says, in a line. */
export function warningOf(type: string): string | undefined {
  if (type !== dualScale) return undefined;
  return `${type}: activations stay unquantized, as their dynamic scales of two levels are not supported yet`;
}

/** What a scheme needs of the description. */
export interface SchemeContext {
  /** Features in a group; 0: not said, the shapes tell. */
  readonly groupSize: number;
  /** Throws where the description lists a tensor of the module that the checkpoint lacks. */
  requireListed(module: string, tensors: TensorClaims): void;
}

/** @param type one of `quantizedTypes` */
export function linearScheme(type: string, { groupSize, requireListed }: SchemeContext): LinearScheme {
  return {
    name: type,
    describe(module, tensors) {
      requireListed(module.name, tensors);
      const parts = partsOf(type, tensors, module, groupSize);
      const bias = claimBias(tensors, module);
      return deepFreeze({ kind: 'linear', module: module.name, scheme: type, ...parts, ...(bias ? { bias } : {}) });
    },
  };
}

/** A quantized table is stored like a linear `[vocab, hidden]`; how inputs are quantized does not matter. */
export function embeddingScheme(type: string, { groupSize, requireListed }: SchemeContext): EmbeddingScheme {
  return {
    name: type,
    describe({ name, vocabSize, hiddenSize }, tensors) {
      requireListed(name, tensors);
      const { weight } = partsOf(type, tensors, { name, outFeatures: vocabSize, inFeatures: hiddenSize }, groupSize);
      return deepFreeze({ kind: 'embedding', module: name, scheme: type, weight });
    },
  };
}

function partsOf(type: string, tensors: TensorClaims, module: WeightSize, groupSize: number): LinearParts {
  const read = quantTypes[type];
  if (!read) throw new TypeError(`${type} is not a type that is read`);
  return read(tensors, module, groupSize);
}
