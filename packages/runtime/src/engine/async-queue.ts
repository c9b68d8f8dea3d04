/** Values pushed on one side come out of `for await` on the other, in order. */
export interface AsyncQueue<Value> extends AsyncIterable<Value> {
  push(value: Value): void;
  /** Ends the iteration once everything pushed has come out. */
  end(): void;
  /** Ends it with an error. */
  fail(error: unknown): void;
}

export function createAsyncQueue<Value>(): AsyncQueue<Value> {
  const values: Value[] = [];
  let finished: { readonly error?: unknown } | undefined;
  let wake = () => {};
  return {
    push(value) {
      values.push(value);
      wake();
    },
    end() {
      finished ??= {};
      wake();
    },
    fail(error) {
      finished ??= { error };
      wake();
    },
    async *[Symbol.asyncIterator]() {
      while (true) {
        while (values.length > 0) yield values.shift() as Value;
        if (finished) {
          if ('error' in finished) throw finished.error;
          return;
        }
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
  };
}
