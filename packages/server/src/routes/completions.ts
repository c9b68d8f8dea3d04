import type { Context } from 'hono';
import { choiceEvents, isVisible } from '../openai/choice-events.ts';
import { completionChoices } from '../openai/completion-choices.ts';
import { openAiSse } from '../openai/openai-sse.ts';
import { requireModel } from '../openai/require-model.ts';
import { answerHead, startChoices } from '../openai/start-choices.ts';
import { sumUsage } from '../openai/usage.ts';
import { collectResults } from '../partial-result.ts';
import { readRequest } from '../read-request.ts';
import { parseCompletionBody } from '../schemas/completion-body.ts';
import type { ServerContext } from '../server-context.ts';

/** `POST /v1/completions`. */
export async function completions(c: Context, context: ServerContext): Promise<Response> {
  const body = await readRequest(c, context, parseCompletionBody);
  requireModel(context, body.model);
  const { requests, n, format } = completionChoices(body, context.model);
  const head = answerHead(context, { rid: body.rid, prefix: 'cmpl', object: 'text_completion' });
  const run = startChoices(context, head.id, requests, c.req.raw.signal);
  const count = requests.length;

  if (body.stream) {
    const includeUsage = body.stream_options?.include_usage ?? false;
    const choices = (chunk: Parameters<typeof isVisible>[0], index: number) =>
      isVisible(chunk) ? [format(index, chunk)] : [];
    return openAiSse(context, run, choiceEvents({ head, run, count, n, includeUsage, choices }));
  }
  const results = await collectResults(run, count);
  return c.json({
    ...head,
    choices: results.map((result, index) => format(index, result)),
    usage: sumUsage(results, n),
  });
}
