import { LowbitError } from '@lowbit/core';
import type { Model } from '@lowbit/runtime';
import { loadModel } from './load-model.ts';
import type { Report, Request } from './protocol.ts';

let model: Model | undefined;
let ending = new AbortController();

const report = (message: Report) => postMessage(message);

addEventListener('message', ({ data }: MessageEvent<Request>) => {
  if (data.kind === 'stop') ending.abort();
  else void work(data);
});

async function work(request: Exclude<Request, { kind: 'stop' }>): Promise<void> {
  ending = new AbortController();
  const { signal } = ending;
  try {
    if (request.kind === 'load') {
      await model?.close();
      model = await loadModel(request, signal, report);
    } else if (model) {
      await write(model, request, signal);
    }
  } catch (error) {
    if (signal.aborted) report({ kind: 'stopped' });
    else report({ kind: 'failed', during: request.kind, message: describe(error) });
  }
}

async function write(
  { generate }: Model,
  { prompt, temperature, maxTokens }: Extract<Request, { kind: 'write' }>,
  signal: AbortSignal,
): Promise<void> {
  const begin = performance.now();
  const seconds = () => (performance.now() - begin) / 1000;
  for await (const { text, usage, finish } of generate({
    prompt,
    signal,
    sampling: { temperature, maxTokens, topP: 0.95 },
  })) {
    const tokens = usage.completionTokens;
    if (text !== '' || !finish) report({ kind: 'text', text, tokens, seconds: seconds() });
    if (finish) report({ kind: 'written', finish: finish.kind, tokens, seconds: seconds() });
  }
}

/** What lowbit throws on purpose says what to do; anything else is a defect, and its kind helps. */
function describe(error: unknown): string {
  if (LowbitError.isInstance(error)) return error.message;
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
