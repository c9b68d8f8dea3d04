import type { FinishReason, ModelInfo } from '@lowbit/runtime';
import type { Generation } from '../generation.ts';
import { count, formatBytes, formatSeconds, formatSignificant } from './format.ts';

/** `awq (w4a16, unquantized) on cpu:reference, numerics faithful; weights 6.36 MiB, KV cache 12.0 MiB` */
export function formatModelInfo({ method, schemes, backend, numerics, memory }: ModelInfo): string {
  const scheme = schemes.length > 0 ? ` (${schemes.join(', ')})` : '';
  const bytes = `weights ${formatBytes(memory.weights)}, KV cache ${formatBytes(memory.kvCache)}`;
  return `${method}${scheme} on ${backend}, numerics ${numerics}; ${bytes}`;
}

/** `7 prompt tokens, 120 tokens in 11.2 s (first after 0.41 s, then 11.0 tokens/s); ended at the limit of 120 tokens` */
export function formatGeneration({ usage, seconds, tokensPerSecond, finish }: Generation): string {
  const { promptTokens, completionTokens } = usage;
  const rate = tokensPerSecond === null ? '' : `, then ${formatSignificant(tokensPerSecond)} tokens/s`;
  const first = completionTokens > 0 ? ` (first after ${formatSeconds(seconds.firstToken)}${rate})` : '';
  return (
    `${count(promptTokens, 'prompt token')}, ${count(completionTokens, 'token')} in ${formatSeconds(seconds.total)}${first}; ` +
    formatFinish(finish)
  );
}

function formatFinish(finish: FinishReason): string {
  switch (finish.kind) {
    case 'stop':
      return typeof finish.matched === 'string'
        ? `ended at ${JSON.stringify(finish.matched)}`
        : `ended at token ${finish.matched}`;
    case 'length':
      return `ended at the limit of ${count(finish.length, 'token')}`;
    case 'abort':
      return `stopped: ${finish.message}`;
  }
}
