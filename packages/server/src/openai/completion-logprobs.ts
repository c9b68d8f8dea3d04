import type { Tokenizer, TokenLogprob } from '@lowbit/runtime';

/** Log probabilities as `/v1/completions` gives them: four lists with an entry per token. */
export interface CompletionLogprobs {
  readonly tokens: readonly string[];
  readonly token_logprobs: readonly (number | null)[];
  /** Alternatives and the token itself, by text; null where none were asked for, and for the first prompt token. */
  readonly top_logprobs: readonly (Readonly<Record<string, number>> | null)[];
  /** Where each token starts: characters from the start of the choice's text, as the tokens' own texts add up. */
  readonly text_offset: readonly number[];
}

/** @param offset of the first token in the text */
export function completionLogprobs(
  logprobs: readonly TokenLogprob[],
  tokenizer: Tokenizer,
  offset: number,
): CompletionLogprobs {
  const tokens = logprobs.map(({ tokenId }) => tokenizer.tokenText(tokenId));
  let next = offset;
  return {
    tokens,
    token_logprobs: logprobs.map(({ logprob }) => logprob),
    top_logprobs: logprobs.map((token) => (token.top.length > 0 ? topByText(token, tokenizer) : null)),
    text_offset: tokens.map((token) => {
      const start = next;
      next += token.length;
      return start;
    }),
  };
}

/** Tokens that are parts of characters may share a text: the likeliest, which comes first, keeps it. */
function topByText(token: TokenLogprob, tokenizer: Tokenizer): Record<string, number> {
  const byText = new Map<string, number>();
  for (const { tokenId, logprob } of [...token.top, token]) {
    const text = tokenizer.tokenText(tokenId);
    if (logprob !== null && !byText.has(text)) byText.set(text, logprob);
  }
  return Object.fromEntries(byText);
}
