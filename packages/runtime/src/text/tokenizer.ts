/** Text to token ids and back. */
export interface Tokenizer {
  /** @param options.addSpecialTokens as the tokenizer's own post-processor says; default true */
  encode(text: string, options?: { readonly addSpecialTokens?: boolean }): number[];
  decode(tokenIds: readonly number[], options?: { readonly skipSpecialTokens?: boolean }): string;
  /** Text of one token for display; bytes that are no whole character come as `U+FFFD`. */
  tokenText(tokenId: number): string;
}
