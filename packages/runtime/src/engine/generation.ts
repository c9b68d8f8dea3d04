import { tokenLogprob } from '../sampling/logprobs.ts';
import { mostLargest, type RowLogits } from '../sampling/row-logits.ts';
import type { Sampler } from '../sampling/sampler.ts';
import type { ResolvedSampling } from '../sampling/sampling-parameters.ts';
import type { Detokenizer } from '../text/detokenizer.ts';
import type { StopMatcher } from '../text/stop-strings.ts';
import { type AsyncQueue, createAsyncQueue } from './async-queue.ts';
import type { FinishReason, GenerateChunk, LogprobOptions, TokenLogprob } from './generate-request.ts';
import type { SequenceJob } from './sequence.ts';

/** What a generation is made of; text parts are absent where the model has no tokenizer. */
export interface GenerationParts {
  readonly promptTokenIds: readonly number[];
  readonly sampling: ResolvedSampling;
  readonly sampler: Sampler;
  readonly logprobs: LogprobOptions | undefined;
  readonly detokenizer: Detokenizer | undefined;
  readonly stopMatcher: StopMatcher;
}

/** One continuation: a job for the engine on one side, chunks for the caller on the other. */
export interface Generation {
  readonly job: SequenceJob;
  readonly chunks: AsyncQueue<GenerateChunk>;
  /** Ends the chunks with an `abort`, unless they have ended. */
  abort(message: string): void;
}

export function createGeneration(parts: GenerationParts): Generation {
  const { promptTokenIds, sampling, sampler, logprobs, detokenizer, stopMatcher } = parts;
  const chunks = createAsyncQueue<GenerateChunk>();
  const outputTokenIds: number[] = [];
  const promptLogprobs: TokenLogprob[] =
    logprobs?.promptFrom === 0 ? [{ tokenId: promptTokenIds[0]!, logprob: null, top: [] }] : [];
  let promptReported = logprobs?.promptFrom === undefined;
  let ended = false;

  const end = (chunk: Partial<GenerateChunk>, finish: FinishReason) => {
    emit({ ...chunk, finish });
    ended = true;
    chunks.end();
  };

  function emit(chunk: Partial<GenerateChunk>): void {
    if (ended) return;
    chunks.push({
      text: '',
      tokenIds: [],
      ...chunk,
      ...(promptReported ? {} : { promptLogprobs }),
      usage: { promptTokens: promptTokenIds.length, completionTokens: outputTokenIds.length },
    });
    promptReported = true;
  }

  /** Picks a token, tells the caller, and says whether to go on. */
  function pick(row: RowLogits): number | undefined {
    const token = sampler.next(row, outputTokenIds);
    outputTokenIds.push(token);
    const chunk = {
      tokenIds: [token],
      ...(logprobs ? { logprobs: [tokenLogprob(row, token, logprobs.top)] } : {}),
    };
    if (sampling.stopTokenIds.has(token)) {
      const text = readText(sampling.keepStop ? [token] : [], true).text;
      end({ ...chunk, text }, { kind: 'stop', matched: token });
      return undefined;
    }
    const full = outputTokenIds.length >= sampling.maxTokens;
    const { text, matched } = readText([token], full);
    if (matched !== undefined) end({ ...chunk, text }, { kind: 'stop', matched });
    else if (full) end({ ...chunk, text }, { kind: 'length', length: outputTokenIds.length });
    else emit({ ...chunk, text });
    return ended ? undefined : token;
  }

  /** Text that new tokens bring, less what may still become a stop string; all of it when `last`. */
  function readText(tokenIds: readonly number[], last: boolean): { text: string; matched?: string | undefined } {
    if (!detokenizer) return { text: '' };
    const piece = detokenizer.push(tokenIds) + (last ? detokenizer.finish() : '');
    if (outputTokenIds.length < sampling.minTokens) return { text: piece };
    const found = stopMatcher.push(piece);
    if (found.matched !== undefined || !last) return found;
    return { text: found.text + stopMatcher.finish() };
  }

  const alternatives = logprobs?.top ?? 0;
  const count = sampler.count === 0 || alternatives > mostLargest ? 0 : Math.max(sampler.count, alternatives);
  const job: SequenceJob = {
    promptTokenIds,
    // Logits after one token are the prediction of the next.
    wantsLogits: (position) =>
      logprobs?.promptFrom !== undefined && position + 1 >= logprobs.promptFrom && position + 1 < promptTokenIds.length,
    onLogits(position, logits) {
      const row = { kind: 'all', logits } as const;
      promptLogprobs.push(tokenLogprob(row, promptTokenIds[position + 1]!, logprobs?.top ?? 0));
    },
    ...(sampling.maxTokens > 0 ? { next: { count, logSumExp: logprobs !== undefined, pick } } : {}),
    onFinished() {
      if (!ended) end({}, { kind: 'length', length: outputTokenIds.length });
    },
    onError(error) {
      ended = true;
      chunks.fail(error);
    },
  };
  return {
    job,
    chunks,
    abort(message) {
      if (!ended) end({ text: detokenizer ? stopMatcher.finish() : '' }, { kind: 'abort', message });
    },
  };
}
