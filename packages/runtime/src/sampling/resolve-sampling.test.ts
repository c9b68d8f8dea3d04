import { describe, expect, it } from 'vitest';
import { readGenerationDefaults } from './generation-defaults.ts';
import { resolveSampling } from './resolve-sampling.ts';

const limits = { maxTokens: 100, vocabSize: 50, eosTokenIds: [2] };

describe('resolveSampling', () => {
  it('has the defaults of serving engines', () => {
    const { seed, ...resolved } = resolveSampling({}, {}, { ...limits, maxTokens: 1000 });
    expect(Number.isInteger(seed)).toBe(true);
    expect(resolved).toEqual({
      maxTokens: 128,
      minTokens: 0,
      temperature: 1,
      topP: 1,
      topK: 50,
      minP: 0,
      repetitionPenalty: 1,
      presencePenalty: 0,
      frequencyPenalty: 0,
      logitBias: new Map(),
      stop: [],
      stopTokenIds: new Set([2]),
      skipSpecialTokens: true,
      keepStop: false,
    });
  });

  it('lets the request win over the model, and the model over the defaults', () => {
    const resolved = resolveSampling({ topP: 0.5 }, { topP: 0.9, temperature: 0.6 }, limits);
    expect(resolved).toMatchObject({ topP: 0.5, temperature: 0.6, topK: 50 });
  });

  it('gives what the context leaves', () => {
    expect(resolveSampling({ maxTokens: 500 }, {}, limits).maxTokens).toBe(100);
  });

  it('ends at end of sequence and at the stop tokens of the request', () => {
    expect(resolveSampling({ stopTokenIds: [7] }, {}, limits).stopTokenIds).toEqual(new Set([2, 7]));
    expect(resolveSampling({ stopTokenIds: [7], ignoreEos: true }, {}, limits).stopTokenIds).toEqual(new Set([7]));
  });

  it.each([
    [{ maxTokens: -1 }, 'maxTokens: expected a whole number of at least 0, found -1'],
    [{ maxTokens: 1.5 }, 'maxTokens: expected a whole number of at least 0, found 1.5'],
    [{ maxTokens: 4, minTokens: 5 }, 'minTokens: expected a whole number from 0 to 4, found 5'],
    [{ temperature: -0.1 }, 'temperature: expected a number of at least 0, found -0.1'],
    [{ temperature: Number.NaN }, 'temperature: expected a number of at least 0, found null'],
    [{ topP: 0 }, 'topP: expected a number above 0 and at most 1, found 0'],
    [{ topP: 1.1 }, 'topP: expected a number above 0 and at most 1, found 1.1'],
    [{ topK: 0 }, 'topK: expected -1 (all) or at least 1, found 0'],
    [{ minP: 2 }, 'minP: expected a number from 0 to 1, found 2'],
    [{ repetitionPenalty: 0 }, 'repetitionPenalty: expected a number above 0 and at most 2, found 0'],
    [{ presencePenalty: 3 }, 'presencePenalty: expected a number from -2 to 2, found 3'],
    [{ frequencyPenalty: -3 }, 'frequencyPenalty: expected a number from -2 to 2, found -3'],
    [{ stopTokenIds: [50] }, 'stopTokenIds: expected a whole number from 0 to 49, found 50'],
    [{ logitBias: { 50: 1 } }, 'logitBias: expected a whole number from 0 to 49, found 50'],
    [{ logitBias: { 3: 101 } }, 'logitBias.3: expected a number from -100 to 100, found 101'],
    [{ stop: ['a', ''] }, 'stop: expected texts that are not empty, found ["a",""]'],
    [{ seed: 0.5 }, 'seed: expected a whole number, found 0.5'],
  ])('names what is wrong with %j', (parameters, message) => {
    expect(() => resolveSampling(parameters, {}, limits)).toThrow(message);
  });
});

describe('readGenerationDefaults', () => {
  it('reads sampling and the tokens that end a sequence', () => {
    const config = {
      temperature: 0.6,
      top_p: 0.95,
      top_k: 20,
      eos_token_id: [151645, 151643],
      transformers_version: '4',
    };
    expect(readGenerationDefaults(config)).toMatchObject({
      temperature: 0.6,
      topP: 0.95,
      topK: 20,
      eosTokenIds: [151645, 151643],
    });
  });

  it('takes 0 for no top-k, one number for one end token, and passes over the rest', () => {
    expect(readGenerationDefaults({ top_k: 0, eos_token_id: 2 })).toMatchObject({ topK: -1, eosTokenIds: [2] });
    expect(readGenerationDefaults({ temperature: 'warm', eos_token_id: null })).toMatchObject({
      temperature: undefined,
      eosTokenIds: [],
    });
  });
});
