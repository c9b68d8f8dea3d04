import type { Executable, ModelProgram, Operation } from '@lowbit/core';

export interface StepMemory {
  readonly program: ModelProgram;
  readonly moduleBytes: Executable['moduleBytes'];
  /** That the KV cache has room for, in all. */
  readonly cacheTokens: number;
}

/**
 * Bytes of weights and of the KV cache that one step of decoding reads while each of `sequences` has `cachedTokens`: every
 * weight once, of embeddings a row per sequence, of experts those chosen. Values between operations are not counted.
 * Undefined where the executable does not say what its modules hold, and where several sequences choose experts: how many
 * they choose alike depends on the tokens.
 */
export function bytesPerStep(memory: StepMemory, sequences: number, cachedTokens: number): number | undefined {
  let total = 0;
  for (const operation of memory.program.operations) {
    const bytes = bytesOf(operation, memory, sequences, cachedTokens);
    if (bytes === undefined) return undefined;
    total += bytes;
  }
  return total;
}

function bytesOf(
  operation: Operation,
  { program, moduleBytes, cacheTokens }: StepMemory,
  sequences: number,
  cachedTokens: number,
): number | undefined {
  const held = (module: string, share = 1) => {
    const bytes = moduleBytes?.get(module);
    return bytes === undefined ? undefined : bytes * share;
  };
  switch (operation.kind) {
    case 'embedding':
      return held(operation.module, sequences / program.vocabSize);
    case 'rms-norm':
    case 'logits':
      return held(operation.module);
    case 'linear':
      return operation.parts.reduce<number | undefined>((sum, { module }) => add(sum, held(module)), 0);
    case 'moe': {
      const experts = program.modules.find(({ name }) => name === operation.module);
      if (sequences > 1 || experts?.kind !== 'moe') return undefined;
      return held(operation.module, operation.topK / experts.numExperts);
    }
    case 'attention': {
      const seen = Math.min(cachedTokens, operation.slidingWindow ?? cachedTokens);
      return held(operation.cache, (sequences * seen) / cacheTokens);
    }
    default:
      return 0;
  }
}

function add(left: number | undefined, right: number | undefined): number | undefined {
  return left === undefined || right === undefined ? undefined : left + right;
}
