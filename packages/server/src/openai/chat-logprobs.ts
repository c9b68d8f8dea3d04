import type { Tokenizer, TokenLogprob } from '@lowbit/runtime';

interface TokenEntry {
  readonly token: string;
  readonly logprob: number | null;
  /** UTF-8; null where the token is only part of a character. */
  readonly bytes: readonly number[] | null;
}

/** Log probabilities as `/v1/chat/completions` gives them: an entry per token with its alternatives. */
export interface ChatLogprobs {
  readonly content: readonly (TokenEntry & { readonly top_logprobs: readonly TokenEntry[] })[];
  readonly refusal: null;
}

export function chatLogprobs(logprobs: readonly TokenLogprob[], tokenizer: Tokenizer): ChatLogprobs {
  const encoder = new TextEncoder();
  const entry = ({ tokenId, logprob }: { tokenId: number; logprob: number | null }): TokenEntry => {
    const token = tokenizer.tokenText(tokenId);
    return { token, logprob, bytes: token.includes('\ufffd') ? null : [...encoder.encode(token)] };
  };
  return {
    content: logprobs.map((token) => ({ ...entry(token), top_logprobs: token.top.map(entry) })),
    refusal: null,
  };
}
