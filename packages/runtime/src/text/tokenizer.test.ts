import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createTokenizer } from './tokenizer.ts';

function readJson(path: string) {
  return JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'));
}

const byteLevel = readJson('../../../../examples/models/dense-awq/tokenizer.json');
const byteFallback = readJson('./__fixtures__/byte-fallback-tokenizer.json');

describe('createTokenizer', () => {
  const tokenizer = createTokenizer(byteLevel, { eos_token: '<|endoftext|>', pad_token: { content: '<|pad|>' } });

  it('writes text as tokens and back', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
      }),
    );
    expect(tokenizer.decode([])).toBe('');
  });

  it('does not touch spaces unless asked to', () => {
    const text = 'He said : "I \'m here ." , and was n\'t .';
    expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
    const cleaning = createTokenizer(byteLevel, { clean_up_tokenization_spaces: true });
    expect(cleaning.decode(cleaning.encode(text))).toBe('He said : "I\'m here.", and wasn\'t.');
  });

  it('knows its size and its special tokens', () => {
    expect(tokenizer.vocabSize).toBe(4096);
    expect(tokenizer.bosTokenId).toBeUndefined();
    expect(tokenizer.eosTokenId).toBe(4091);
    expect(tokenizer.padTokenId).toBe(4094);
    expect([...tokenizer.decoding.specialTokenIds].sort()).toEqual([4091, 4092, 4093, 4094, 4095]);
    const ids = tokenizer.encode('a<|im_end|>b');
    expect(ids).toContain(4093);
    expect(tokenizer.decode(ids)).toBe('a<|im_end|>b');
    expect(tokenizer.decode(ids, { skipSpecialTokens: true })).toBe('ab');
  });

  it('takes tokens for special that only the config calls so', () => {
    const named = createTokenizer(byteFallback, {
      eos_token: '<|end|>',
      additional_special_tokens: [{ content: 'the' }],
    });
    const ids = named.encode('a<|end|>', { addSpecialTokens: false });
    expect(named.decode(ids)).toBe('a<|end|>');
    expect(named.decode(ids, { skipSpecialTokens: true })).toBe('a');
  });

  it('adds special tokens as the post-processor says, or not', () => {
    const withStart = createTokenizer(byteFallback, { bos_token: '<s>' });
    expect(withStart.encode('the')[0]).toBe(withStart.bosTokenId);
    expect(withStart.encode('the', { addSpecialTokens: false })).not.toContain(withStart.bosTokenId);
  });

  it('shows single tokens with their spaces, and parts of characters as U+FFFD', () => {
    const idsOf = (text: string) => tokenizer.encode(text);
    expect(tokenizer.tokenText(idsOf(' sea')[0]!)).toBe(' sea');
    expect(tokenizer.tokenText(4091)).toBe('<|endoftext|>');
    expect(tokenizer.tokenText(idsOf('😀')[0]!)).toBe('\uFFFD');
    expect(tokenizer.tokenText(4096)).toBe('');
    const spaced = createTokenizer(byteFallback, {});
    expect(spaced.encode('the world', { addSpecialTokens: false }).map((id) => spaced.tokenText(id))).toEqual([
      ' the',
      ' world',
    ]);
  });

  it('says so where a token has no id', () => {
    const single = [{ SpecialToken: { id: '<bos>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }];
    const json = { ...byteLevel, post_processor: { type: 'TemplateProcessing', single, pair: [], special_tokens: {} } };
    expect(() => createTokenizer(json, {}).encode('a')).toThrow(
      'tokenizer.json: no id for the token "<bos>", and none for unknown ones',
    );
  });

  it('takes a file that leaves out what it does not use', () => {
    const { normalizer: _n, post_processor: _p, ...rest } = byteLevel;
    const smaller = createTokenizer(rest, {});
    expect(smaller.decode(smaller.encode('at sea'))).toBe('at sea');
  });
});

describe('bad files', () => {
  const { model } = byteLevel;
  const cases: [string, unknown, unknown, string][] = [
    ['no tokenizer', [], {}, 'tokenizer.json: expected a tokenizer, found []'],
    ['no model', {}, {}, 'tokenizer.json: model: expected an object with a vocabulary, found nothing'],
    [
      'ids that are none',
      { ...byteFallback, model: { ...byteFallback.model, vocab: { a: -1 } } },
      {},
      'tokenizer.json: model.vocab.a: expected a token id from 0 to 16777216, found -1',
    ],
    [
      'a vocabulary that is none',
      { ...byteFallback, model: { ...byteFallback.model, vocab: 'abc' } },
      {},
      'tokenizer.json: model.vocab: expected token ids from 0 to 16777216 by token, or a list of tokens with scores, found "abc"',
    ],
    [
      'an id that would fill the memory',
      { ...byteLevel, added_tokens: [{ id: 4e9, content: 'x' }] },
      {},
      'tokenizer.json: added_tokens.0.id: expected a token id from 0 to 16777216, found 4000000000',
    ],
    [
      'no merges',
      { ...byteLevel, model: { ...model, merges: undefined } },
      {},
      'tokenizer.json: expected a tokenizer that can be built',
    ],
    [
      'an unknown part',
      { ...byteLevel, decoder: { type: 'Rot13' } },
      {},
      'tokenizer.json: expected a tokenizer that can be built, found "Unknown Decoder type: Rot13"',
    ],
    [
      'a part without type',
      { ...byteLevel, normalizer: 3 },
      {},
      'tokenizer.json: normalizer: expected an object with a type, found 3',
    ],
    ['a config that is none', byteLevel, 'x', 'tokenizer_config.json: expected an object, found "x"'],
    [
      'a special token that is none',
      byteLevel,
      { eos_token: 7 },
      'tokenizer_config.json: eos_token: expected a text, or an object with the text as "content", found 7',
    ],
  ];
  it.each(cases)('%s', (_, json, config, message) => {
    expect(() => createTokenizer(json, config)).toThrow(message);
  });
});
