import { describeError, openAiErrorBody } from '../errors.ts';
import type { Run } from '../run-requests.ts';
import type { ServerContext } from '../server-context.ts';
import { sseResponse } from '../sse.ts';

export function openAiSse(
  { logger }: ServerContext,
  run: Run,
  events: AsyncGenerator<unknown, void>,
): Promise<Response> {
  return sseResponse(events, {
    onCancel: run.abort,
    errorEvent(error) {
      logger?.error({ err: error }, 'generation failed while streaming');
      return openAiErrorBody(describeError(error));
    },
  });
}
