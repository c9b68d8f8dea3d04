const encoder = new TextEncoder();
const done = encoder.encode('data: [DONE]\n\n');

export interface SseOptions {
  /** The client is gone. */
  onCancel(): void;
  /** An error after the first event, as the event that tells the client. */
  errorEvent(error: unknown): unknown;
}

/**
 * Server-sent events: each value as JSON in one `data:` line, `data: [DONE]` at the end. Waits for the first value, so
 * that a request that cannot start is still answered with a status of its own.
 * @throws what `events` throws before its first value
 */
export async function sseResponse(events: AsyncGenerator<unknown, void>, options: SseOptions): Promise<Response> {
  const first = await events.next();
  let cancelled = false;
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      if (!first.done) controller.enqueue(encode(first.value));
    },
    async pull(controller) {
      let last: unknown;
      try {
        const next = await events.next();
        if (cancelled) return;
        if (!next.done) {
          controller.enqueue(encode(next.value));
          return;
        }
      } catch (error) {
        if (cancelled) return;
        last = options.errorEvent(error);
      }
      if (last !== undefined) controller.enqueue(encode(last));
      controller.enqueue(done);
      controller.close();
    },
    async cancel() {
      cancelled = true;
      options.onCancel();
      await events.return();
    },
  });
  return new Response(body, {
    headers: {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache',
      // Proxies would otherwise collect events before they pass them on.
      'x-accel-buffering': 'no',
    },
  });
}

function encode(event: unknown): Uint8Array {
  return encoder.encode(`data: ${JSON.stringify(event)}\n\n`);
}
