import { randomSeed } from './random.ts';
import { SamplingError } from './sampling-error.ts';
import type { ResolvedSampling, SamplingParameters } from './sampling-parameters.ts';

export interface SamplingLimits {
  /** Tokens that the context leaves to generate. A request for more gets these. */
  readonly maxTokens: number;
  readonly vocabSize: number;
  readonly eosTokenIds: readonly number[];
}

/** Below this temperature the likeliest token has practically all the weight, and logits would overflow. */
const greedyBelow = 1e-6;

/**
 * Request over model defaults over the defaults of serving engines, checked.
 * @throws SamplingError naming the field, the range and the value
 */
export function resolveSampling(
  request: SamplingParameters,
  defaults: SamplingParameters,
  limits: SamplingLimits,
): ResolvedSampling {
  const pick = <Field extends keyof SamplingParameters>(field: Field) => request[field] ?? defaults[field];
  const { vocabSize } = limits;

  const maxTokens = whole('maxTokens', pick('maxTokens') ?? 128, 0, Number.MAX_SAFE_INTEGER);
  const minTokens = whole('minTokens', pick('minTokens') ?? 0, 0, maxTokens);
  const temperature = within('temperature', pick('temperature') ?? 1, 0, Number.MAX_VALUE);
  const topK = whole('topK', pick('topK') ?? -1, -1, Number.MAX_SAFE_INTEGER);
  if (topK === 0) throw new SamplingError('topK', '-1 (all) or at least 1', topK);
  const stop = pick('stop') ?? [];
  if (stop.includes('')) throw new SamplingError('stop', 'texts that are not empty', stop);
  const ownStopTokenIds = tokenIds('stopTokenIds', pick('stopTokenIds') ?? [], vocabSize);
  const logitBias = Object.entries(pick('logitBias') ?? {}).map(([id, bias]) => [Number(id), bias] as const);
  tokenIds(
    'logitBias',
    logitBias.map(([id]) => id),
    vocabSize,
  );

  return {
    maxTokens: Math.min(maxTokens, limits.maxTokens),
    minTokens,
    temperature: temperature < greedyBelow ? 0 : temperature,
    topP: aboveZero('topP', pick('topP') ?? 1, 1),
    topK: topK === -1 ? vocabSize : Math.min(topK, vocabSize),
    minP: within('minP', pick('minP') ?? 0, 0, 1),
    repetitionPenalty: aboveZero('repetitionPenalty', pick('repetitionPenalty') ?? 1, 2),
    presencePenalty: within('presencePenalty', pick('presencePenalty') ?? 0, -2, 2),
    frequencyPenalty: within('frequencyPenalty', pick('frequencyPenalty') ?? 0, -2, 2),
    logitBias: new Map(logitBias.map(([id, bias]) => [id, within(`logitBias.${id}`, bias, -100, 100)])),
    seed: whole('seed', pick('seed') ?? randomSeed(), Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
    stop,
    stopTokenIds: new Set([...(pick('ignoreEos') ? [] : limits.eosTokenIds), ...ownStopTokenIds]),
    skipSpecialTokens: pick('skipSpecialTokens') ?? true,
    keepStop: pick('keepStop') ?? false,
  };
}

function whole(field: string, value: number, from: number, to: number): number {
  if (Number.isInteger(value) && value >= from && value <= to) return value;
  const range = to === Number.MAX_SAFE_INTEGER ? `of at least ${from}` : `from ${from} to ${to}`;
  throw new SamplingError(
    field,
    from === Number.MIN_SAFE_INTEGER ? 'a whole number' : `a whole number ${range}`,
    value,
  );
}

function within(field: string, value: number, from: number, to: number): number {
  if (typeof value === 'number' && value >= from && value <= to) return value;
  throw new SamplingError(
    field,
    to === Number.MAX_VALUE ? `a number of at least ${from}` : `a number from ${from} to ${to}`,
    value,
  );
}

function aboveZero(field: string, value: number, to: number): number {
  if (typeof value === 'number' && value > 0 && value <= to) return value;
  throw new SamplingError(field, `a number above 0 and at most ${to}`, value);
}

function tokenIds(field: string, ids: readonly number[], vocabSize: number): readonly number[] {
  for (const id of ids) whole(field, id, 0, vocabSize - 1);
  return ids;
}
