import { hasFiles } from '../system.ts';
import { ChatTemplateError, type ChatTemplateFault } from './chat-template-error.ts';
import type { ChatTemplateLimits } from './chat-template-limits.ts';
import { startRenderProcess } from './render-process.ts';
import { startRenderWorker } from './render-worker.ts';

/** What runs `chat-template-worker.js`, apart from everything else: a process in Node, a worker in browsers. */
export interface RendererHost {
  /** It cannot be asked any more. */
  readonly ended: boolean;
  /** @throws Error for a message that is not plain data */
  send(message: object): void;
  /** Calls one of these once, or none after `stop`. */
  receive(handlers: { reply(reply: Reply): void; end(error: ChatTemplateError): void }): { stop(): void };
  /** Whether the program may not exit meanwhile. */
  keepAlive(keep: boolean): void;
  kill(): void;
}

export type Reply =
  | { readonly text: string }
  | { readonly fault: { readonly reason: ChatTemplateFault; readonly message: string } };

/** Renders one template on a host that is started when first needed, and again after it had to be ended. */
export interface HostedRenderer {
  /** One at a time: a second call waits for the first. */
  render(variables: Readonly<Record<string, unknown>>, signal?: AbortSignal): Promise<string>;
  close(): void;
}

/** Starting Node takes 50 ms; this is for a machine that swaps. */
const startMilliseconds = 30_000;
/** How long after its time the host may still answer by itself that the time is over. */
const graceMilliseconds = 250;

export function createHostedRenderer(template: string, limits: ChatTemplateLimits): HostedRenderer {
  let running: RendererHost | undefined;
  let queue: Promise<unknown> = Promise.resolve();
  let closed = false;

  async function ready(): Promise<RendererHost> {
    if (running && !running.ended) return running;
    running = hasFiles() ? startRenderProcess(limits) : startRenderWorker();
    await exchange(running, undefined, startMilliseconds);
    running.send({ template });
    return running;
  }

  async function render(variables: Readonly<Record<string, unknown>>, signal?: AbortSignal): Promise<string> {
    if (closed) throw closedError();
    signal?.throwIfAborted();
    const host = await ready();
    signal?.throwIfAborted();
    const localTime = Date.now() - new Date().getTimezoneOffset() * 60_000;
    const request = { variables, limits, localTime };
    const reply = await exchange(host, request, limits.milliseconds + graceMilliseconds, signal);
    if ('fault' in reply) throw new ChatTemplateError(reply.fault.reason, reply.fault.message);
    return reply.text;
  }

  /** Sends a message, if any, and waits for the next one. Whatever is in the way of an answer ends the host. */
  function exchange(host: RendererHost, message: object | undefined, milliseconds: number, signal?: AbortSignal) {
    return new Promise<Reply>((resolve, reject) => {
      const settle = (outcome: () => void) => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', abort);
        receiving.stop();
        host.keepAlive(false);
        outcome();
      };
      const giveUp = (error: unknown) => {
        host.kill();
        settle(() => reject(error));
      };
      const abort = () => giveUp(signal?.reason);
      const timer = setTimeout(() => {
        giveUp(new ChatTemplateError('time', `took longer than ${limits.milliseconds} ms`));
      }, milliseconds);
      const receiving = host.receive({ reply: (reply) => settle(() => resolve(reply)), end: giveUp });
      signal?.addEventListener('abort', abort, { once: true });
      host.keepAlive(true);
      try {
        if (message) host.send(message);
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
      running?.kill();
    },
  };
}

function closedError() {
  return new ChatTemplateError('process', 'the renderer is closed');
}
