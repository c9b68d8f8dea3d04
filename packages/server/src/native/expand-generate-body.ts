import type { GenerateRequest, ModelInfo } from '@lowbit/runtime';
import { RequestError } from '../errors.ts';
import { newRequestId } from '../run-requests.ts';
import type { GenerateBody } from '../schemas/generate-body.ts';
import { parseSamplingParams } from '../schemas/sampling-params.ts';
import { checkSequenceCount, checkTokenIds } from '../schemas/sequence-limits.ts';

/** The generations that a `/generate` body asks for. */
export interface GenerateBatch {
  /** A list was sent, or several continuations wanted: the answer is a list. */
  readonly isList: boolean;
  /** Stops all of them. */
  readonly group: string;
  readonly items: readonly GenerateItem[];
}

export interface GenerateItem {
  readonly rid: string;
  readonly request: GenerateRequest;
  readonly logprobs: { readonly wanted: boolean; readonly top: number };
}

/**
 * One item per continuation: those of the first prompt, then those of the second.
 * @throws RequestError where lists disagree in length, or a token id is outside the vocabulary
 */
export function expandGenerateBody(body: GenerateBody, { vocabSize }: ModelInfo): GenerateBatch {
  const { prompts, isList } = readPrompts(body);
  const count = prompts.length;
  const spread = <T>(field: string, value: T | readonly T[] | undefined, fallback: T): readonly T[] =>
    isReadonlyArray(value) ? ofLength(field, value, count, isList) : new Array<T>(count).fill(value ?? fallback);

  const wanted = spread('return_logprob', body.return_logprob, false);
  const promptFrom = spread('logprob_start_len', body.logprob_start_len, -1);
  const top = spread('top_logprobs_num', body.top_logprobs_num, 0);
  const params = spread<Record<string, unknown>>('sampling_params', body.sampling_params, {}).map((object, index) => {
    const at = Array.isArray(body.sampling_params) ? `sampling_params[${index}].` : 'sampling_params.';
    return parseSamplingParams(object, at);
  });
  const n = params[0]!.n;
  if (params.some((other) => other.n !== n)) {
    throw new RequestError({
      message: 'sampling_params: n must be the same for all prompts',
      param: 'sampling_params',
    });
  }
  checkSequenceCount(count * n);
  const { group, rids } = nameItems(body.rid, count, n, isList);

  const items = prompts.flatMap((prompt, index) => {
    if (typeof prompt !== 'string') checkTokenIds(prompt, vocabSize, 'input_ids');
    const { sampling } = params[index]!;
    const logprobs = { wanted: wanted[index]!, top: top[index]! };
    return Array.from(
      { length: n },
      (_, sample): GenerateItem => ({
        rid: rids[index * n + sample]!,
        logprobs,
        request: {
          prompt,
          // The same seed would give the same text n times.
          sampling: { ...sampling, seed: sampling.seed === undefined ? undefined : sampling.seed + sample },
          logprobs: logprobs.wanted
            ? { top: logprobs.top, promptFrom: promptFrom[index]! < 0 ? undefined : promptFrom[index]! }
            : undefined,
        },
      }),
    );
  });
  return { isList: isList || n > 1, group, items };
}

type Prompt = string | readonly number[];

function readPrompts({ text, input_ids: ids }: GenerateBody): { prompts: readonly Prompt[]; isList: boolean } {
  if (text !== undefined && ids !== undefined) {
    throw new RequestError({ message: 'text and input_ids: give one of them, not both', param: 'text' });
  }
  if (text !== undefined)
    return typeof text === 'string' ? { prompts: [text], isList: false } : { prompts: text, isList: true };
  if (ids !== undefined) {
    return isListOfLists(ids) ? { prompts: ids, isList: true } : { prompts: [ids], isList: false };
  }
  throw new RequestError({ message: 'text or input_ids: one of them is needed', param: 'text' });
}

/** Ids of the items: what the client named, `name_0`, `name_1`, ... where it named fewer, else fresh ones. */
function nameItems(
  rid: GenerateBody['rid'],
  count: number,
  n: number,
  isList: boolean,
): { group: string; rids: string[] } {
  const total = count * n;
  if (Array.isArray(rid)) {
    const names = ofLength('rid', rid, count, isList);
    const rids = n === 1 ? [...names] : names.flatMap((name) => Array.from({ length: n }, (_, k) => `${name}_${k}`));
    return { group: newRequestId(), rids };
  }
  if (rid !== undefined) {
    return { group: rid, rids: isList || n > 1 ? Array.from({ length: total }, (_, k) => `${rid}_${k}`) : [rid] };
  }
  return { group: newRequestId(), rids: Array.from({ length: total }, newRequestId) };
}

function ofLength<T>(field: string, list: readonly T[], count: number, isList: boolean): readonly T[] {
  if (isList && list.length === count) return list;
  const expected = isList ? `one entry per prompt (${count})` : 'a single value for a single prompt';
  throw new RequestError({ message: `${field}: expected ${expected}, found a list of ${list.length}`, param: field });
}

function isReadonlyArray<T>(value: T | readonly T[] | undefined): value is readonly T[] {
  return Array.isArray(value);
}

function isListOfLists(ids: number[] | number[][]): ids is number[][] {
  return Array.isArray(ids[0]);
}
