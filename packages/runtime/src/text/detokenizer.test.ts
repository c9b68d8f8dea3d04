import { readFileSync } from 'node:fs';
import { Tokenizer as Oracle } from '@huggingface/tokenizers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createDetokenizer } from './detokenizer.ts';
import { createTokenizer, type Tokenizer } from './tokenizer.ts';

function readJson(path: string) {
  return JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'));
}

const byteLevel = readJson('../../../../examples/models/dense-awq/tokenizer.json');
const byteFallback = readJson('./__fixtures__/byte-fallback-tokenizer.json');
const metaspace = { ...byteFallback, decoder: { type: 'Metaspace', replacement: '\u2581', prepend_scheme: 'always' } };

/** Feeds token ids in groups, and checks that no group's text ends or begins inside a character. */
function feed(tokenizer: Tokenizer, groups: readonly (readonly number[])[], skipSpecialTokens: boolean): string {
  const detokenizer = createDetokenizer(tokenizer, { skipSpecialTokens });
  const pieces = [...groups.map((ids) => detokenizer.push(ids)), detokenizer.finish()];
  // Throws a URIError for half a surrogate pair.
  for (const piece of pieces) encodeURIComponent(piece);
  return pieces.join('');
}

function decodeByOracle(oracle: Oracle, tokenIds: number[], skipSpecialTokens: boolean, cleanUp: boolean): string {
  const options = { skip_special_tokens: skipSpecialTokens, clean_up_tokenization_spaces: cleanUp };
  return tokenIds.length === 0 ? '' : oracle.decode(tokenIds, options);
}

const tokenizers: [string, unknown][] = [
  ['byte-level', byteLevel],
  ['byte fallback', byteFallback],
  ['metaspace', metaspace],
  ['no decoder', { ...byteFallback, decoder: null }],
  [
    'replace after fuse',
    {
      ...byteFallback,
      decoder: {
        type: 'Sequence',
        decoders: [
          { type: 'ByteFallback' },
          { type: 'Fuse' },
          { type: 'Replace', pattern: { String: '\u2581' }, content: ' ' },
          { type: 'Strip', content: ' ', start: 2, stop: 0 },
        ],
      },
    },
  ],
  ['strip of every token', { ...byteFallback, decoder: { type: 'Strip', content: '\u2581', start: 1, stop: 0 } }],
  ['one that needs all tokens', { ...byteFallback, decoder: { type: 'BPEDecoder', suffix: 'l' } }],
  ['strip at the end', { ...byteFallback, decoder: { type: 'Strip', content: 'l', start: 0, stop: 1 } }],
];

describe.each(tokenizers)('createDetokenizer with the decoder: %s', (_, json) => {
  const tokenizer = createTokenizer(json, {});
  const oracle = new Oracle(json as object, {});
  const byteTokens = Array.from({ length: 256 }, (_, byte) => byte).flatMap((byte) => {
    const id = oracle.token_to_id(`<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`);
    return id === undefined ? [] : [id];
  });
  // The first 256 tokens of the byte-level vocabulary are the bytes, too.
  const bytes = byteTokens.length > 0 ? fc.constantFrom(...byteTokens) : fc.nat(255);
  const tokenId = fc.oneof(fc.nat(tokenizer.vocabSize - 1), bytes);
  const groups = fc.array(fc.array(tokenId, { maxLength: 4 }), { maxLength: 12 });

  it('gives in pieces what the tokenizer library gives at once, for any tokens', () => {
    fc.assert(
      fc.property(groups, fc.boolean(), (pieces, skip) => {
        const all = pieces.flat();
        const expected = decodeByOracle(oracle, all, skip, false);
        expect(feed(tokenizer, pieces, skip)).toBe(expected);
        expect(tokenizer.decode(all, { skipSpecialTokens: skip })).toBe(expected);
      }),
      { numRuns: 1000 },
    );
  });

  it('does so for text, one token at a time', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 20 }), (text) => {
        const ids = tokenizer.encode(text);
        const expected = decodeByOracle(oracle, ids, true, false);
        expect(
          feed(
            tokenizer,
            ids.map((id) => [id]),
            true,
          ),
        ).toBe(expected);
      }),
    );
  });

  it('cleans spaces up where the tokenizer asks for it', () => {
    const cleaning = createTokenizer(json, { clean_up_tokenization_spaces: true });
    fc.assert(
      fc.property(groups, fc.boolean(), (pieces, skip) => {
        expect(feed(cleaning, pieces, skip)).toBe(decodeByOracle(oracle, pieces.flat(), skip, true));
      }),
      { numRuns: 300 },
    );
  });
});

describe('createDetokenizer', () => {
  it('holds back a character until its last byte', () => {
    const tokenizer = createTokenizer(byteFallback, {});
    const ids = tokenizer.encode('a🙂', { addSpecialTokens: false });
    const detokenizer = createDetokenizer(tokenizer, { skipSpecialTokens: true });
    expect(ids.map((id) => detokenizer.push([id]))).toEqual(['a', '', '', '', '🙂']);
    expect(detokenizer.finish()).toBe('');
  });

  it('makes U+FFFD of bytes that are no character, at the latest at the end', () => {
    const tokenizer = createTokenizer(byteFallback, {});
    const idOf = (token: string) => new Oracle(byteFallback, {}).token_to_id(token)!;
    const detokenizer = createDetokenizer(tokenizer, { skipSpecialTokens: true });
    expect(detokenizer.push([idOf('<0xF0>'), idOf('<0x9F>')])).toBe('');
    expect(detokenizer.push([idOf('a')])).toBe('\uFFFDa');
    expect(detokenizer.push([idOf('<0x80>')])).toBe('\uFFFD');
    expect(detokenizer.push([idOf('<0xE2>')])).toBe('');
    expect(detokenizer.finish()).toBe('\uFFFD');
  });

  it('drops the space before the first word only, also behind special tokens', () => {
    for (const json of [byteFallback, metaspace]) {
      const tokenizer = createTokenizer(json, {});
      const detokenizer = createDetokenizer(tokenizer, { skipSpecialTokens: true });
      const pieces = tokenizer.encode('the world').map((id) => detokenizer.push([id]));
      expect(pieces).toEqual(['', 'the', ' world']);
    }
  });

  it('keeps the space before the first word where none was added', () => {
    const never = { ...metaspace, decoder: { ...metaspace.decoder, prepend_scheme: 'never' } };
    const tokenizer = createTokenizer(never, {});
    expect(tokenizer.decode(tokenizer.encode('the', { addSpecialTokens: false }))).toBe(' the');
  });

  it('passes over ids that the vocabulary does not have', () => {
    const tokenizer = createTokenizer(byteLevel, {});
    const [id = -1] = tokenizer.encode(' sea');
    const detokenizer = createDetokenizer(tokenizer, { skipSpecialTokens: false });
    expect(detokenizer.push([tokenizer.vocabSize, id, 1e9])).toBe(' sea');
    expect(tokenizer.decode([tokenizer.vocabSize])).toBe('');
  });
});
