import type { GenerateChunk, GenerateRequest } from '@lowbit/runtime';
import { type Indexed, mergeStreams } from './merge-streams.ts';
import type { RequestTicket } from './request-registry.ts';
import type { ServerContext } from './server-context.ts';

/** The generations of one HTTP request. */
export interface Run {
  /** Must be read to its end, or returned. */
  readonly chunks: AsyncGenerator<Indexed<GenerateChunk>, void>;
  abort(): void;
}

export interface RunOptions {
  readonly group: string;
  /** One per request. */
  readonly ids: readonly string[];
  readonly requests: readonly Omit<GenerateRequest, 'signal'>[];
  /** Aborted when the client is gone. */
  readonly client: AbortSignal;
}

/** Starts all generations together; whichever way the run ends, none is left running. */
export function runRequests(context: ServerContext, options: RunOptions): Run {
  const ticket = context.requests.open(options.group, options.ids, options.client);
  return { chunks: readChunks(context, options.requests, ticket), abort: ticket.abort };
}

async function* readChunks(
  { model, requests: registry }: ServerContext,
  requests: RunOptions['requests'],
  ticket: RequestTicket,
): AsyncGenerator<Indexed<GenerateChunk>, void> {
  try {
    const streams = requests.map((request, index) => model.generate({ ...request, signal: ticket.signals[index] }));
    for await (const chunk of mergeStreams(streams)) {
      registry.noteOutput();
      yield chunk;
    }
  } finally {
    ticket.release();
  }
}

/** A name that nobody else has: 32 hexadecimal digits. */
export function newRequestId(): string {
  return crypto.randomUUID().replaceAll('-', '');
}
