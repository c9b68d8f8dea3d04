import type { GenerateRequest } from '@lowbit/runtime';
import { newRequestId, type Run, runRequests } from '../run-requests.ts';
import { checkSequenceCount } from '../schemas/sequence-limits.ts';
import type { ServerContext } from '../server-context.ts';

/** What all events of one OpenAI answer repeat. */
export interface AnswerHead {
  /** Also the name by which `/abort_request` stops it. */
  readonly id: string;
  readonly object: string;
  /** Unix time in seconds. */
  readonly created: number;
  readonly model: string;
}

/** Starts the generations of a request, one per choice. @throws RequestError where there are too many, or the id is in use */
export function startChoices(
  context: ServerContext,
  id: string,
  requests: readonly GenerateRequest[],
  client: AbortSignal,
): Run {
  checkSequenceCount(requests.length);
  const ids = requests.length === 1 ? [id] : requests.map((_, index) => `${id}_${index}`);
  return runRequests(context, { group: id, ids, requests, client });
}

export function answerHead(
  context: ServerContext,
  options: { readonly rid: string | undefined; readonly prefix: string; readonly object: string },
): AnswerHead {
  return {
    id: options.rid ?? `${options.prefix}-${newRequestId()}`,
    object: options.object,
    created: Math.floor(Date.now() / 1000),
    model: context.modelName,
  };
}
