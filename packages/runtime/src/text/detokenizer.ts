import { createSpaceCleaner } from './space-cleanup.ts';
import { createTokenStage, type TokenStage } from './token-stages.ts';

/** What the text of tokens depends on; a tokenizer has it for `createDetokenizer`. */
export interface DecodingRules {
  /** Undefined for an id that the vocabulary does not have: it has no text. */
  tokenOf(tokenId: number): string | undefined;
  readonly specialTokenIds: ReadonlySet<number>;
  /** Contents of all added tokens, special or not. */
  readonly addedTokens: ReadonlySet<string>;
  /** `decoder` of `tokenizer.json`. */
  readonly decoder: unknown;
  /** For a decoder that cannot work piece by piece. */
  decodeAtOnce(tokens: readonly string[]): string;
  readonly cleanUpSpaces: boolean;
}

/**
 * Turns tokens into text while they come. The joined pieces are `decode` of all tokens. A piece never ends inside a character;
 * bytes that are no character become `U+FFFD`, an unfinished one when something else follows or at `finish`. Every token is
 * looked at once. With a decoder of a kind that needs all tokens (`BPEDecoder`, `CTC`, `WordPiece`), everything comes at `finish`.
 */
export interface Detokenizer {
  push(tokenIds: readonly number[]): string;
  /** What was held back. */
  finish(): string;
}

export function createDetokenizer(
  { decoding }: { readonly decoding: DecodingRules },
  { skipSpecialTokens }: { readonly skipSpecialTokens: boolean },
): Detokenizer {
  const { addedTokens, decoder, specialTokenIds } = decoding;
  const stage = createTokenStage(decoder, { addedTokens, atStart: true }) ?? collect(decoding);
  const cleaner = decoding.cleanUpSpaces ? createSpaceCleaner() : undefined;
  return {
    push(tokenIds) {
      const tokens = tokenIds
        .filter((id) => !(skipSpecialTokens && specialTokenIds.has(id)))
        .map((id) => decoding.tokenOf(id))
        .filter((token) => token !== undefined);
      const text = stage.push(tokens).join('');
      return cleaner ? cleaner.push(text) : text;
    },
    finish() {
      const text = stage.finish().join('');
      return cleaner ? cleaner.push(text) + cleaner.finish() : text;
    },
  };
}

function collect({ decodeAtOnce }: DecodingRules): TokenStage {
  const all: string[] = [];
  return {
    push(tokens) {
      all.push(...tokens);
      return [];
    },
    finish: () => (all.length === 0 ? [] : [decodeAtOnce(all.splice(0))]),
  };
}
