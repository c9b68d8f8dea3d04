import type { GenerateChunk, Usage } from '@lowbit/runtime';
import type { Run } from '../run-requests.ts';
import type { AnswerHead } from './start-choices.ts';
import { sumUsage } from './usage.ts';

export interface ChoiceEventOptions {
  readonly head: AnswerHead;
  readonly run: Run;
  /** Choices in all, and per prompt. */
  readonly count: number;
  readonly n: number;
  readonly includeUsage: boolean;
  /** What one chunk adds to a choice, as the `choices` entries of events; none where it adds nothing to see. */
  choices(chunk: GenerateChunk, index: number): readonly object[];
}

/** The events of a streamed OpenAI answer; with `include_usage` the last one carries the usage and no choice. */
export async function* choiceEvents(options: ChoiceEventOptions): AsyncGenerator<unknown, void> {
  const { head, run, includeUsage } = options;
  const usages = Array.from({ length: options.count }, () => ({
    usage: { promptTokens: 0, completionTokens: 0 } as Usage,
  }));
  for await (const { index, value } of run.chunks) {
    usages[index]!.usage = value.usage;
    for (const choice of options.choices(value, index)) {
      yield { ...head, choices: [choice], ...(includeUsage && { usage: null }) };
    }
  }
  if (includeUsage) yield { ...head, choices: [], usage: sumUsage(usages, options.n) };
}

/** Text that is held back makes chunks without anything to see. */
export function isVisible(chunk: GenerateChunk): boolean {
  return chunk.text !== '' || chunk.finish !== undefined || (chunk.logprobs?.length ?? 0) > 0;
}
