import { type ChildProcess, fork } from 'node:child_process';
import { ChatTemplateError, type ChatTemplateFault } from './chat-template-error.ts';
import type { ChatTemplateLimits } from './chat-template-limits.ts';

/** A process of its own that renders one template; started when first needed, again after it had to be ended. */
export interface RenderProcess {
  /** One at a time: a second call waits for the first. */
  render(variables: Readonly<Record<string, unknown>>, signal?: AbortSignal): Promise<string>;
  close(): void;
}

type Reply =
  | { readonly text: string }
  | { readonly fault: { readonly reason: ChatTemplateFault; readonly message: string } };

/** Starting Node takes 50 ms; this is for a machine that swaps. */
const startMilliseconds = 30_000;
/** How long after its time the process may still answer by itself that the time is over. */
const graceMilliseconds = 250;

export function createRenderProcess(template: string, limits: ChatTemplateLimits): RenderProcess {
  let running: Running | undefined;
  let queue: Promise<unknown> = Promise.resolve();
  let closed = false;

  async function ready(): Promise<Running> {
    if (running && !running.ended) return running;
    running = startProcess(limits);
    await exchange(running, undefined, startMilliseconds);
    running.child.send({ template });
    return running;
  }

  async function render(variables: Readonly<Record<string, unknown>>, signal?: AbortSignal): Promise<string> {
    if (closed) throw closedError();
    signal?.throwIfAborted();
    const process = await ready();
    signal?.throwIfAborted();
    const localTime = Date.now() - new Date().getTimezoneOffset() * 60_000;
    const request = { variables, limits, localTime };
    const reply = await exchange(process, request, limits.milliseconds + graceMilliseconds, signal);
    if ('fault' in reply) throw new ChatTemplateError(reply.fault.reason, reply.fault.message);
    return reply.text;
  }

  /** Sends a message, if any, and waits for the next one. Whatever is in the way of an answer ends the process. */
  function exchange(process: Running, message: object | undefined, milliseconds: number, signal?: AbortSignal) {
    const { child } = process;
    return new Promise<Reply>((resolve, reject) => {
      const settle = (outcome: () => void) => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', abort);
        child.off('message', answered).off('close', ended).off('error', failed);
        keepAlive(process, false);
        outcome();
      };
      const giveUp = (error: unknown) => {
        process.ended = true;
        child.kill('SIGKILL');
        settle(() => reject(error));
      };
      const answered = (reply: unknown) => settle(() => resolve(reply as Reply));
      const ended = (code: number | null, killedBy: NodeJS.Signals | null) =>
        giveUp(endedError(process, limits, code ?? killedBy));
      const failed = (cause: Error) => giveUp(new ChatTemplateError('process', cause.message, { cause }));
      const abort = () => giveUp(signal?.reason);
      const timer = setTimeout(() => {
        giveUp(new ChatTemplateError('time', `took longer than ${limits.milliseconds} ms`));
      }, milliseconds);
      child.once('message', answered).once('close', ended).once('error', failed);
      signal?.addEventListener('abort', abort, { once: true });
      keepAlive(process, true);
      try {
        if (message) child.send(message);
      } catch (cause) {
        const words = cause instanceof Error ? cause.message : String(cause);
        settle(() => reject(new ChatTemplateError('failed', `a variable is not plain data: ${words}`, { cause })));
      }
    });
  }

  return {
    render(variables, signal) {
      const result = queue
        .then(() => render(variables, signal))
        .catch((error) => {
          throw closed ? closedError() : error;
        });
      queue = result.catch(() => undefined);
      return result;
    },
    close() {
      closed = true;
      running?.child.kill('SIGKILL');
    },
  };
}

interface Running {
  readonly child: ChildProcess;
  /** End of what it wrote to its standard error. */
  lastWords: string;
  ended: boolean;
}

function startProcess(limits: ChatTemplateLimits): Running {
  const child = fork(new URL('./chat-template-worker.js', import.meta.url), {
    execArgv: [`--max-old-space-size=${limits.heapMegabytes}`],
    // The template has no business with the environment.
    env: {},
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    serialization: 'advanced',
  });
  const running: Running = { child, lastWords: '', ended: false };
  child.once('exit', () => {
    running.ended = true;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    running.lastWords = (running.lastWords + text).slice(-8000);
  });
  // Between renders an idle process holds nobody's exit up.
  keepAlive(running, false);
  return running;
}

function keepAlive({ child }: Running, keep: boolean): void {
  // The stream of a pipe is a socket, which its type does not say.
  const stderr = child.stderr as (NodeJS.ReadableStream & { ref?(): void; unref?(): void }) | null;
  for (const handle of [child, child.channel, stderr]) {
    if (keep) handle?.ref?.();
    else handle?.unref?.();
  }
}

function endedError({ lastWords }: Running, limits: ChatTemplateLimits, status: number | string | null) {
  if (/heap out of memory|invalid .* size/i.test(lastWords)) {
    return new ChatTemplateError('memory', `took more memory than ${limits.heapMegabytes} MB`);
  }
  const words = lastWords.trim().split('\n').slice(0, 5).join('\n');
  return new ChatTemplateError('process', `its process ended with ${status}${words === '' ? '' : `: ${words}`}`);
}

function closedError() {
  return new ChatTemplateError('process', 'the renderer is closed');
}
