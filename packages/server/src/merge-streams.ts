export interface Indexed<T> {
  readonly index: number;
  readonly value: T;
}

/**
 * What several streams yield, in the order in which it arrives. The first error ends it. Sources run ahead of the
 * reader: a slow client holds up no generation.
 */
export async function* mergeStreams<T>(sources: readonly AsyncIterable<T>[]): AsyncGenerator<Indexed<T>, void> {
  const ready: Indexed<T>[] = [];
  let failure: { readonly error: unknown } | undefined;
  let running = sources.length;
  let ended = false;
  let wake = () => {};

  async function pump(source: AsyncIterable<T>, index: number): Promise<void> {
    try {
      for await (const value of source) {
        if (ended) return;
        ready.push({ index, value });
        wake();
      }
    } catch (error) {
      failure ??= { error };
    } finally {
      running--;
      wake();
    }
  }

  for (const [index, source] of sources.entries()) void pump(source, index);
  try {
    for (;;) {
      const next = ready.shift();
      if (next) yield next;
      else if (failure) throw failure.error;
      else if (running === 0) return;
      else
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
    }
  } finally {
    ended = true;
  }
}
