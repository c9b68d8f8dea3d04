import type { Usage } from '@lowbit/runtime';

export interface OpenAiUsage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
}

/** Tokens of all results together; a prompt with several continuations (`n` neighbours) counts once. */
export function sumUsage(results: readonly { readonly usage: Usage }[], n: number): OpenAiUsage {
  let promptTokens = 0;
  let completionTokens = 0;
  for (const [index, { usage }] of results.entries()) {
    if (index % n === 0) promptTokens += usage.promptTokens;
    completionTokens += usage.completionTokens;
  }
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
  };
}
