import type { GenerateChunk } from '@lowbit/runtime';
import type { Context } from 'hono';
import { chatLogprobs } from '../openai/chat-logprobs.ts';
import { chatRequests } from '../openai/chat-request.ts';
import { choiceEvents, isVisible } from '../openai/choice-events.ts';
import { finishFields } from '../openai/finish-fields.ts';
import { openAiSse } from '../openai/openai-sse.ts';
import { requireModel } from '../openai/require-model.ts';
import { requireTokenizer } from '../openai/require-tokenizer.ts';
import { answerHead, startChoices } from '../openai/start-choices.ts';
import { sumUsage } from '../openai/usage.ts';
import { collectResults } from '../partial-result.ts';
import { readRequest } from '../read-request.ts';
import { type ChatBody, parseChatBody } from '../schemas/chat-body.ts';
import type { ServerContext } from '../server-context.ts';

/** `POST /v1/chat/completions`. */
export async function chatCompletions(c: Context, context: ServerContext): Promise<Response> {
  const { model } = context;
  const body = await readRequest(c, context, parseChatBody);
  requireModel(context, body.model);
  const requests = await chatRequests(body, model);
  const object = body.stream ? 'chat.completion.chunk' : 'chat.completion';
  const head = answerHead(context, { rid: body.rid, prefix: 'chatcmpl', object });
  const run = startChoices(context, head.id, requests, c.req.raw.signal);
  const count = requests.length;
  const logprobsOf = (piece: Pick<GenerateChunk, 'logprobs'>) =>
    body.logprobs ? chatLogprobs(piece.logprobs ?? [], requireTokenizer(model, 'logprobs')) : null;

  if (body.stream)
    return openAiSse(context, run, choiceEvents({ ...streamOptions(body, logprobsOf), head, run, count, n: count }));
  const results = await collectResults(run, count);
  return c.json({
    ...head,
    choices: results.map((result, index) => ({
      index,
      message: { role: 'assistant', content: result.text, refusal: null },
      logprobs: logprobsOf(result),
      ...finishFields(result.finish),
    })),
    usage: sumUsage(results, count),
  });
}

/** The role comes first, in an event of its own; then text; the end in the last event, with the last text if any. */
function streamOptions(body: ChatBody, logprobsOf: (chunk: GenerateChunk) => object | null) {
  const started = new Set<number>();
  return {
    includeUsage: body.stream_options?.include_usage ?? false,
    choices(chunk: GenerateChunk, index: number): object[] {
      const choices: object[] = [];
      if (!started.has(index)) {
        started.add(index);
        choices.push({ index, delta: { role: 'assistant', content: '' }, logprobs: null, ...finishFields(undefined) });
      }
      if (isVisible(chunk)) {
        const empty = chunk.text === '' && (chunk.logprobs?.length ?? 0) === 0;
        const delta = empty ? {} : { content: chunk.text };
        choices.push({ index, delta, logprobs: empty ? null : logprobsOf(chunk), ...finishFields(chunk.finish) });
      }
      return choices;
    },
  };
}
