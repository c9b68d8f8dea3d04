import { Tokenizer as Engine } from '@huggingface/tokenizers';
import { ConfigError, LowbitError } from '@lowbit/core';
import { createDetokenizer, type DecodingRules } from './detokenizer.ts';
import { readSpecialTokens } from './special-tokens.ts';
import { createTokenStage } from './token-stages.ts';
import { readTokenizerFiles, type TokenizerFiles } from './tokenizer-files.ts';

/** Text to token ids and back. */
export interface Tokenizer {
  /** Largest token id plus one. A model may have more rows: those ids have no text. */
  readonly vocabSize: number;
  /** As `tokenizer_config.json` names them. What ends a generation is said by `generation_config.json`. */
  readonly bosTokenId: number | undefined;
  readonly eosTokenId: number | undefined;
  readonly padTokenId: number | undefined;
  readonly decoding: DecodingRules;
  /**
   * @param options.addSpecialTokens as the tokenizer's own post-processor says; default true
   * @throws LowbitError TOKENIZER for a token that has no id
   */
  encode(text: string, options?: { readonly addSpecialTokens?: boolean }): number[];
  /** @param options.skipSpecialTokens default false */
  decode(tokenIds: readonly number[], options?: { readonly skipSpecialTokens?: boolean }): string;
  /** Text of one token for display; bytes that are no whole character come as `U+FFFD`. */
  tokenText(tokenId: number): string;
}

/**
 * @param tokenizerJson parsed `tokenizer.json`
 * @param tokenizerConfig parsed `tokenizer_config.json`; `{}` where there is none
 * @throws ConfigError naming the file for anything that does not make a tokenizer
 */
export function createTokenizer(tokenizerJson: unknown, tokenizerConfig: unknown): Tokenizer {
  const files = readTokenizerFiles(tokenizerJson, tokenizerConfig);
  const engine = createEngine(files);
  const special = readSpecialTokens(files.config);
  const idOf = (token: string | undefined) => (token === undefined ? undefined : engine.token_to_id(token));
  const decoding = createDecodingRules(files, engine, Object.values(special));
  return {
    vocabSize: files.vocabSize,
    bosTokenId: idOf(special.bos_token),
    eosTokenId: idOf(special.eos_token),
    padTokenId: idOf(special.pad_token),
    decoding,
    encode(text, { addSpecialTokens = true } = {}) {
      const encoding = engine.encode(text, { add_special_tokens: addSpecialTokens });
      const ids: readonly (number | undefined)[] = encoding.ids;
      const unknown = ids.indexOf(undefined);
      if (unknown === -1) return encoding.ids;
      throw new LowbitError({
        code: 'TOKENIZER',
        message: `tokenizer.json: no id for the token ${JSON.stringify(encoding.tokens[unknown])}, and none for unknown ones`,
      });
    },
    decode(tokenIds, { skipSpecialTokens = false } = {}) {
      const detokenizer = createDetokenizer({ decoding }, { skipSpecialTokens });
      return detokenizer.push(tokenIds) + detokenizer.finish();
    },
    tokenText(tokenId) {
      const token = decoding.tokenOf(tokenId);
      if (token === undefined) return '';
      const stage = createTokenStage(files.json.decoder, { addedTokens: decoding.addedTokens, atStart: false });
      return stage ? [...stage.push([token]), ...stage.finish()].join('') : decoding.decodeAtOnce([token]);
    },
  };
}

function createEngine({ json, config }: TokenizerFiles): Engine {
  try {
    return new Engine(json, config);
  } catch (cause) {
    const actual = cause instanceof Error ? cause.message : cause;
    throw new ConfigError({ file: 'tokenizer.json', expected: 'a tokenizer that can be built', actual, cause });
  }
}

function createDecodingRules(
  { json, config }: TokenizerFiles,
  engine: Engine,
  specialTokens: readonly string[],
): DecodingRules {
  const named = [...specialTokens, ...(config.additional_special_tokens ?? [])].map((token) =>
    engine.token_to_id(token),
  );
  const marked = json.added_tokens.filter(({ special }) => special).map(({ id }) => id);
  return {
    tokenOf: (tokenId) => engine.id_to_token(tokenId),
    specialTokenIds: new Set([...named, ...marked].filter((id) => id !== undefined)),
    addedTokens: new Set(json.added_tokens.map(({ content }) => content)),
    decoder: json.decoder,
    decodeAtOnce(tokens) {
      // With the ids of these tokens, which the engine turns into the tokens again.
      const ids = tokens.map((token) => engine.token_to_id(token)).filter((id) => id !== undefined);
      return engine.decode(ids, { clean_up_tokenization_spaces: false });
    },
    // Transformers' default is to clean; published tokenizers that want it say so.
    cleanUpSpaces: config.clean_up_tokenization_spaces === true,
  };
}
