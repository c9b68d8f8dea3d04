import { RequestError } from './errors.ts';

/** The generations that are going on, so that they can be stopped by name. */
export interface RequestRegistry {
  /** Generations in flight. */
  readonly size: number;
  readonly closed: boolean;
  /**
   * Enters the generations of one HTTP request.
   * @param group name that stops all of them
   * @param ids one per generation, each stops that one
   * @param client aborted when the client is gone
   * @throws RequestError when an id is in use (400), or the server shuts down (503)
   */
  open(group: string, ids: readonly string[], client: AbortSignal): RequestTicket;
  /** Stops the generations of this id or group; an unknown one is no error, it may just have ended. */
  abort(id: string): void;
  abortAll(): void;
  /** Stops everything and lets nothing in. */
  close(): void;
  /** Called when any generation has made progress. */
  noteOutput(): void;
  /** Fulfilled at the next `noteOutput`. */
  nextOutput(): Promise<void>;
}

export interface RequestTicket {
  /** One per id. */
  readonly signals: readonly AbortSignal[];
  abort(): void;
  /** Stops what still runs and forgets the ids. */
  release(): void;
}

interface Entry {
  readonly group: string;
  readonly controller: AbortController;
}

export function createRequestRegistry(): RequestRegistry {
  const entries = new Map<string, Entry>();
  let closed = false;
  let waiting: (() => void)[] = [];

  function abortAll(): void {
    for (const { controller } of entries.values()) controller.abort();
  }

  return {
    get size() {
      return entries.size;
    },
    get closed() {
      return closed;
    },
    open(group, ids, client) {
      if (closed) throw new RequestError({ status: 503, message: 'the server is shutting down' });
      const used = ids.find((id, index) => entries.has(id) || ids.indexOf(id) !== index);
      if (used !== undefined) {
        const message = `rid: ${JSON.stringify(used)} is in use by another request`;
        throw new RequestError({
          message,
          param: 'rid',
          remedy: 'Choose another, or leave rid out to get a fresh one.',
        });
      }
      const controllers = ids.map(() => new AbortController());
      const abort = () => {
        for (const controller of controllers) controller.abort();
      };
      for (const [index, id] of ids.entries()) entries.set(id, { group, controller: controllers[index]! });
      if (client.aborted) abort();
      else client.addEventListener('abort', abort, { once: true });
      return {
        signals: controllers.map((controller) => controller.signal),
        abort,
        release() {
          client.removeEventListener('abort', abort);
          for (const id of ids) entries.delete(id);
          abort();
        },
      };
    },
    abort(id) {
      for (const [key, { group, controller }] of entries) if (key === id || group === id) controller.abort();
    },
    abortAll,
    close() {
      closed = true;
      abortAll();
    },
    noteOutput() {
      const called = waiting;
      waiting = [];
      for (const resolve of called) resolve();
    },
    nextOutput: () => new Promise((resolve) => waiting.push(resolve)),
  };
}
