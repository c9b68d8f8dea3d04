import type { GenerateRequest, Model, Tokenizer, TokenLogprob } from '@lowbit/runtime';
import type { CompletionBody } from '../schemas/completion-body.ts';
import { openAiSampling } from '../schemas/openai-sampling.ts';
import { checkTokenIds } from '../schemas/sequence-limits.ts';
import { completionLogprobs } from './completion-logprobs.ts';
import { finishFields } from './finish-fields.ts';
import { requireTokenizer } from './require-tokenizer.ts';

/** The choices of a completion: what to generate for each, and how to write it down. */
export interface CompletionChoices {
  readonly requests: readonly GenerateRequest[];
  readonly n: number;
  /** The `choices` entry for a whole result, or for the next piece of a stream. */
  format(index: number, piece: CompletionPiece): object;
}

interface CompletionPiece {
  readonly text: string;
  readonly logprobs?: readonly TokenLogprob[] | undefined;
  readonly promptLogprobs?: readonly TokenLogprob[] | undefined;
  readonly finish?: Parameters<typeof finishFields>[0];
}

type Prompt = string | readonly number[];

/** @throws RequestError for token ids outside the vocabulary, or where text is needed and the model has no tokenizer */
export function completionChoices(body: CompletionBody, model: Model): CompletionChoices {
  const n = body.n ?? 1;
  const prompts = readPrompts(body.prompt);
  for (const prompt of prompts) {
    if (typeof prompt !== 'string') checkTokenIds(prompt, model.info.vocabSize, 'prompt');
  }
  const tokenizer = requireTokenizer(model, '/v1/completions');
  const echoes = body.echo ? prompts.map((prompt) => textOf(prompt, tokenizer)) : undefined;
  const started = new Set<number>();
  const offsets = new Map<number, number>();

  return {
    n,
    requests: prompts.flatMap((prompt) =>
      Array.from({ length: n }, (_, sample) => ({
        prompt,
        sampling: openAiSampling(body, body.max_tokens, sample),
        logprobs:
          body.logprobs === undefined ? undefined : { top: body.logprobs, promptFrom: body.echo ? 0 : undefined },
      })),
    ),
    format(index, piece) {
      const echo = started.has(index) ? '' : (echoes?.[Math.floor(index / n)] ?? '');
      started.add(index);
      let logprobs = null;
      if (body.logprobs !== undefined) {
        const offset = offsets.get(index) ?? 0;
        logprobs = completionLogprobs([...(piece.promptLogprobs ?? []), ...(piece.logprobs ?? [])], tokenizer, offset);
        offsets.set(
          index,
          logprobs.tokens.reduce((sum, token) => sum + token.length, offset),
        );
      }
      return { index, text: echo + piece.text, logprobs, ...finishFields(piece.finish) };
    },
  };
}

function readPrompts(prompt: CompletionBody['prompt']): readonly Prompt[] {
  if (typeof prompt === 'string') return [prompt];
  return isTokenIds(prompt) ? [prompt] : prompt;
}

function isTokenIds(prompt: readonly (string | number | number[])[]): prompt is number[] {
  return typeof prompt[0] === 'number';
}

function textOf(prompt: Prompt, tokenizer: Tokenizer): string {
  return typeof prompt === 'string' ? prompt : tokenizer.decode(prompt);
}
