import { isJsonObject, type JsonObject } from '@lowbit/core';
import { byteOfLetter } from './byte-alphabet.ts';

/**
 * One step from tokens to text, fed piece by piece: the joined output of all calls is what the step makes of all tokens at
 * once. A step keeps to itself what may still become part of a character.
 */
export interface TokenStage {
  push(tokens: readonly string[]): string[];
  finish(): string[];
}

export interface StageContext {
  /** Contents of added tokens: they are text already, whatever letters they are made of. */
  readonly addedTokens: ReadonlySet<string>;
  /** False for tokens from the middle of a text: a leading space is then kept. */
  readonly atStart: boolean;
}

/**
 * What comes out of the step before: whole tokens; pieces whose borders mean nothing; or one text (`Fuse`), in pieces.
 */
type Grain = 'tokens' | 'pieces' | 'text';

interface BuiltStage {
  readonly stage: TokenStage;
  readonly grain: Grain;
}

/**
 * The `decoder` of a `tokenizer.json` as stages: `ByteLevel`, `ByteFallback`, `Replace`, `Fuse`, `Strip`, `Metaspace`,
 * sequences of them, and none (tokens joined by spaces).
 * @returns undefined for a decoder that needs all tokens at once
 */
export function createTokenStage(decoder: unknown, context: StageContext): TokenStage | undefined {
  if (decoder === null) return joinWithSpaces(context);
  return isJsonObject(decoder) ? build(decoder, 'tokens', context)?.stage : undefined;
}

function build(decoder: JsonObject, grain: Grain, context: StageContext): BuiltStage | undefined {
  switch (decoder.type) {
    case 'ByteLevel':
      return grain === 'tokens' ? { stage: byteLevel(context), grain: 'pieces' } : undefined;
    case 'ByteFallback':
      return grain === 'tokens' ? { stage: byteFallback(), grain: 'pieces' } : undefined;
    case 'Replace':
      return replace(decoder, grain);
    case 'Fuse':
      return { stage: eachToken((token) => token), grain: 'text' };
    case 'Strip':
      return strip(decoder, grain, context);
    case 'Metaspace':
      return grain === 'tokens' ? { stage: metaspace(decoder, context), grain } : undefined;
    case 'Sequence':
      return sequence(decoder, grain, context);
    default:
      return undefined;
  }
}

function sequence({ decoders }: JsonObject, grain: Grain, context: StageContext): BuiltStage | undefined {
  if (!Array.isArray(decoders)) return undefined;
  const stages: TokenStage[] = [];
  for (const decoder of decoders) {
    const built: BuiltStage | undefined = isJsonObject(decoder) ? build(decoder, grain, context) : undefined;
    if (!built) return undefined;
    stages.push(built.stage);
    grain = built.grain;
  }
  const stage: TokenStage = {
    push: (tokens) => stages.reduce<string[]>((current, next) => next.push(current), [...tokens]),
    finish: () => stages.reduce<string[]>((current, next) => [...next.push(current), ...next.finish()], []),
  };
  return { stage, grain };
}

/** Tokens are bytes in letters; a character may begin in one token and end in another. */
function byteLevel({ addedTokens }: StageContext): TokenStage {
  const bytes = byteOfLetter();
  const characters = new TextDecoder('utf-8', { ignoreBOM: true });
  const encoder = new TextEncoder();
  const bytesOf = (token: string): Uint8Array => {
    const all = Array.from(token, (letter) => bytes.get(letter));
    return all.includes(undefined) ? encoder.encode(token) : Uint8Array.from(all as number[]);
  };
  return {
    push: (tokens) =>
      tokens.flatMap((token) =>
        addedTokens.has(token) ? [characters.decode(), token] : [characters.decode(bytesOf(token), { stream: true })],
      ),
    finish: () => [characters.decode()],
  };
}

/** Tokens are text, or single bytes `<0xE2>` where the vocabulary has no token for a character. */
function byteFallback(): TokenStage {
  // A byte order mark that begins a run of bytes is dropped, as the tokenizer library does.
  const characters = new TextDecoder();
  let inRun = false;
  const endRun = (): string[] => {
    const rest = inRun ? [characters.decode()] : [];
    inRun = false;
    return rest;
  };
  return {
    push: (tokens) =>
      tokens.flatMap((token) => {
        const byte = /^<0x([0-9A-Fa-f]{2})>$/.exec(token)?.[1];
        if (byte === undefined) return [...endRun(), token];
        inRun = true;
        return [characters.decode(Uint8Array.of(Number.parseInt(byte, 16)), { stream: true })];
      }),
    finish: endRun,
  };
}

function replace({ pattern, content }: JsonObject, grain: Grain): BuiltStage | undefined {
  if (!isJsonObject(pattern) || typeof content !== 'string') return undefined;
  // Only a single character is found wherever the text is cut.
  if (typeof pattern.String !== 'string' || (grain !== 'tokens' && pattern.String.length !== 1)) return undefined;
  const search = pattern.String;
  return { stage: eachToken((token) => token.replaceAll(search, () => content)), grain };
}

/** Takes characters off the beginning: of every token, or of the text. The end is for decoders that see all of it. */
function strip(decoder: JsonObject, grain: Grain, { atStart }: StageContext): BuiltStage | undefined {
  const { content, start, stop } = decoder;
  if (grain === 'pieces' || typeof content !== 'string' || typeof start !== 'number' || stop !== 0) return undefined;
  const cut = (text: string, most: number): number => {
    let length = 0;
    while (length < most && text[length] === content) length += 1;
    return length;
  };
  if (grain === 'tokens') return { stage: eachToken((token) => token.slice(cut(token, start))), grain };
  let left = atStart ? start : 0;
  const stage = eachToken((piece) => {
    const length = cut(piece, left);
    left = length === piece.length ? left - length : 0;
    return piece.slice(length);
  });
  return { stage, grain };
}

/** `U+2581` stands for a space; the one before the first word was added by the encoder, unless `prepend_scheme` says never. */
function metaspace(decoder: JsonObject, { atStart }: StageContext): TokenStage {
  const mark = typeof decoder.replacement === 'string' ? decoder.replacement : '\u2581';
  let first = atStart && decoder.prepend_scheme !== 'never';
  return eachToken((token) => {
    const text = token.replaceAll(mark, ' ');
    const kept = first && text.startsWith(' ') ? text.slice(1) : text;
    first = false;
    return kept;
  });
}

function joinWithSpaces({ atStart }: StageContext): TokenStage {
  let first = atStart;
  return eachToken((token) => {
    const text = first ? token : ` ${token}`;
    first = false;
    return text;
  });
}

function eachToken(textOf: (token: string) => string): TokenStage {
  return { push: (tokens) => tokens.map(textOf), finish: () => [] };
}
