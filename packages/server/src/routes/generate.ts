import type { Context } from 'hono';
import { describeError, nativeErrorBody } from '../errors.ts';
import { expandGenerateBody, type GenerateBatch } from '../native/expand-generate-body.ts';
import { generateOutput, type OutputOptions } from '../native/generate-output.ts';
import { addChunk, collectResults, emptyResult } from '../partial-result.ts';
import { readRequest } from '../read-request.ts';
import { type Run, runRequests } from '../run-requests.ts';
import { parseGenerateBody } from '../schemas/generate-body.ts';
import type { ServerContext } from '../server-context.ts';
import { sseResponse } from '../sse.ts';

/** `POST|PUT /generate`: text or token ids in, text and token ids out. */
export async function generate(c: Context, context: ServerContext): Promise<Response> {
  const { model, logger } = context;
  const startedAt = performance.now();
  const body = await readRequest(c, context, parseGenerateBody);
  const batch = expandGenerateBody(body, model.info);
  const run = runRequests(context, {
    group: batch.group,
    ids: batch.items.map((item) => item.rid),
    requests: batch.items.map((item) => item.request),
    client: c.req.raw.signal,
  });
  const textInLogprobs = body.return_text_in_logprobs ?? false;
  const options = batch.items.map((item) => ({ item, tokenizer: model.tokenizer, textInLogprobs, startedAt }));

  if (body.stream) {
    return sseResponse(outputEvents(run, batch, options), {
      onCancel: run.abort,
      errorEvent(error) {
        logger?.error({ err: error }, 'generation failed while streaming');
        return nativeErrorBody(describeError(error));
      },
    });
  }
  const results = await collectResults(run, batch.items.length);
  const outputs = results.map((result, index) => generateOutput(result, options[index]!));
  return c.json(batch.isList ? outputs : outputs[0]!);
}

/** Every event repeats what came before; those of a list say which item they belong to. */
async function* outputEvents(run: Run, batch: GenerateBatch, options: OutputOptions[]): AsyncGenerator<unknown, void> {
  const results = batch.items.map(emptyResult);
  for await (const { index, value } of run.chunks) {
    const result = results[index]!;
    addChunk(result, value);
    const output = generateOutput(result, options[index]!);
    yield batch.isList ? { ...output, index } : output;
  }
}
