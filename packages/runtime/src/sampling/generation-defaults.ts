import type { JsonObject } from '@lowbit/core';
import type { SamplingParameters } from './sampling-parameters.ts';

export interface GenerationDefaults extends SamplingParameters {
  /** Tokens that end a sequence. */
  readonly eosTokenIds: readonly number[];
}

/**
 * What `generation_config.json` says about sampling. The file is advice: values of another type and keys of other
 * runtimes are passed over.
 */
export function readGenerationDefaults(config: JsonObject): GenerationDefaults {
  const number = (key: string) => (typeof config[key] === 'number' ? config[key] : undefined);
  const { eos_token_id: eos } = config;
  const topK = number('top_k');
  return {
    // Transformers' "no sampling" is greedy, whatever the temperature beside it.
    temperature: config.do_sample === false ? 0 : number('temperature'),
    topP: number('top_p'),
    // Transformers writes 0 for "off".
    topK: topK === 0 ? -1 : topK,
    minP: number('min_p'),
    repetitionPenalty: number('repetition_penalty'),
    eosTokenIds: (Array.isArray(eos) ? eos : [eos]).filter((id): id is number => Number.isInteger(id)),
  };
}
