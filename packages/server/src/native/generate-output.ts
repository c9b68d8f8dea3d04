import type { FinishReason, Tokenizer, TokenLogprob } from '@lowbit/runtime';
import type { PartialResult } from '../partial-result.ts';
import type { GenerateItem } from './expand-generate-body.ts';

/** `[logprob, token id, text or null]`. */
type LogprobTriple = readonly [number | null, number, string | null];

export interface OutputOptions {
  readonly item: GenerateItem;
  /** Without one there is no `text`. */
  readonly tokenizer: Tokenizer | undefined;
  readonly textInLogprobs: boolean;
  /** Of `performance.now()`. */
  readonly startedAt: number;
}

/** One answer of `/generate`: everything so far, whether streamed or not. */
export function generateOutput(result: PartialResult, options: OutputOptions): Record<string, unknown> {
  const { item, tokenizer, startedAt } = options;
  return {
    ...(tokenizer && { text: result.text }),
    output_ids: result.tokenIds,
    meta_info: {
      id: item.rid,
      finish_reason: result.finish ? finishReason(result.finish) : null,
      prompt_tokens: result.usage.promptTokens,
      completion_tokens: result.usage.completionTokens,
      cached_tokens: 0,
      ...(item.logprobs.wanted && logprobFields(result, options)),
      ...(result.finish && { e2e_latency: (performance.now() - startedAt) / 1000 }),
    },
  };
}

function finishReason(finish: FinishReason): object {
  switch (finish.kind) {
    case 'stop':
      return { type: 'stop', matched: finish.matched };
    case 'length':
      return { type: 'length', length: finish.length };
    case 'abort':
      return { type: 'abort', message: finish.message, status_code: null, err_type: null };
  }
}

function logprobFields(result: PartialResult, options: OutputOptions): object {
  const textOf = (tokenId: number): string | null =>
    options.textInLogprobs && options.tokenizer ? options.tokenizer.tokenText(tokenId) : null;
  const triple = ({ tokenId, logprob }: { tokenId: number; logprob: number | null }): LogprobTriple => [
    logprob,
    tokenId,
    textOf(tokenId),
  ];
  const topTriples = ({ top }: TokenLogprob): readonly LogprobTriple[] | null =>
    top.length > 0 ? top.map(triple) : null;
  return {
    input_token_logprobs: result.promptLogprobs.map(triple),
    output_token_logprobs: result.logprobs.map(triple),
    ...(options.item.logprobs.top > 0 && {
      input_top_logprobs: result.promptLogprobs.map(topTriples),
      output_top_logprobs: result.logprobs.map(topTriples),
    }),
  };
}
