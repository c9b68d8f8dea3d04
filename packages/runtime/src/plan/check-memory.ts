import { LowbitError } from '@lowbit/core';
import { explainPlan } from './explain-model.ts';
import type { Explanation } from './explanation.ts';
import type { ModelPlan } from './plan-model.ts';

/** What a model is opened for. */
interface RunSizes {
  /** Tokens that the KV cache holds, a multiple of its block. */
  readonly cacheTokens: number;
  readonly blockSize: number;
  /** Most tokens in one forward. */
  readonly batchTokens: number;
  /** Most rows of logits of one forward. */
  readonly logitRows: number;
}

/**
 * Compares what a run takes, by the plan, with what the device has or is allowed, before a weight is read.
 * @param limit bytes; undefined for what the device says that it has, if it says
 * @throws LowbitError DEVICE_MEMORY with the sizes, and what would fit
 */
export function checkMemory(plan: ModelPlan, sizes: RunSizes, limit?: number): void {
  const { memory = Number.POSITIVE_INFINITY, name } = plan.device;
  const allowed = Math.min(limit ?? Number.POSITIVE_INFINITY, memory);
  const explanation = explainPlan(plan);
  const { device: weights, kvCachePerToken, workspacePerToken } = explanation.bytes;
  const kvCache = sizes.cacheTokens * kvCachePerToken;
  const logits = sizes.logitRows * plan.program.vocabSize * Float32Array.BYTES_PER_ELEMENT;
  const workspace = sizes.batchTokens * workspacePerToken + logits;
  if (weights + kvCache + workspace <= allowed) return;
  const source = allowed === memory ? `${name} has` : `${name} may hold`;
  throw new LowbitError({
    code: 'DEVICE_MEMORY',
    message:
      `${source} ${sizeText(allowed)}, the model needs ${sizeText(weights + kvCache + workspace)}: weights ` +
      `${sizeText(weights)}, a KV cache of ${sizes.cacheTokens} tokens ${sizeText(kvCache)}, batches of ` +
      `${sizes.batchTokens} tokens ${sizeText(workspace)}`,
    remedy: whatWouldFit(explanation, allowed - weights - workspace, sizes.blockSize, plan.program.contextLength),
  });
}

/** @param left bytes for the KV cache */
function whatWouldFit({ bytes, modules }: Explanation, left: number, blockSize: number, contextLength: number): string {
  const tokens = Math.floor(left / Math.max(1, bytes.kvCachePerToken) / blockSize) * blockSize;
  if (tokens >= contextLength) {
    return `A KV cache of at most ${tokens} tokens fits (kvCacheTokens; lowbit serve --max-total-tokens).`;
  }
  if (tokens > 0) {
    return `A context of at most ${tokens} tokens, and a KV cache of as many, fits (contextLength and kvCacheTokens; lowbit serve --context-length and --max-total-tokens).`;
  }
  const weights = modules.filter(({ kind }) => kind !== 'kvCache').sort((a, b) => b.deviceBytes - a.deviceBytes);
  const [largest] = weights;
  const named = largest ? ` The largest of its weights is ${largest.module}, ${sizeText(largest.deviceBytes)}.` : '';
  return `No context fits beside the weights: use a smaller model or another device.${named}`;
}

function sizeText(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB'] as const;
  const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  return `${Math.floor((bytes / 2 ** (10 * power)) * 100) / 100} ${units[power]}`;
}
