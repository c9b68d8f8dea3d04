import { describe, expect, it } from 'vitest';
import { readGenerationDefaults } from './generation-defaults.ts';

describe('readGenerationDefaults', () => {
  it('takes what sampling knows, and leaves the rest', () => {
    const config = {
      bos_token_id: 1,
      do_sample: true,
      eos_token_id: [2, 7],
      temperature: 0.6,
      top_k: 20,
      top_p: 0.95,
      min_p: 0.05,
      repetition_penalty: 1.05,
      transformers_version: '4.51.3',
    };
    expect(readGenerationDefaults(config)).toEqual({
      temperature: 0.6,
      topK: 20,
      topP: 0.95,
      minP: 0.05,
      repetitionPenalty: 1.05,
      eosTokenIds: [2, 7],
    });
  });

  it('is greedy where the file says not to sample', () => {
    expect(readGenerationDefaults({ do_sample: false, temperature: 0.6 }).temperature).toBe(0);
    expect(readGenerationDefaults({ temperature: 0.6 }).temperature).toBe(0.6);
  });

  it('reads one end token, none, and 0 for no top-k', () => {
    expect(readGenerationDefaults({ eos_token_id: 4091 }).eosTokenIds).toEqual([4091]);
    expect(readGenerationDefaults({ eos_token_id: null }).eosTokenIds).toEqual([]);
    expect(readGenerationDefaults({ top_k: 0 }).topK).toBe(-1);
  });

  it('passes over values of another type', () => {
    expect(readGenerationDefaults({ temperature: 'hot', eos_token_id: ['x', 3] })).toEqual({ eosTokenIds: [3] });
  });
});
