import { ChatTemplateError } from './chat-template-error.ts';
import type { RendererHost, Reply } from './renderer-host.ts';

/** As much of a browser's Worker as is used here; the project is typed for Node. */
interface BrowserWorker {
  onmessage: ((event: { readonly data: unknown }) => void) | null;
  onerror: ((event: { readonly message?: string }) => void) | null;
  postMessage(message: object): void;
  terminate(): void;
}

declare const Worker: new (script: URL, options: { readonly type: 'module' }) => BrowserWorker;

/**
 * A worker: browsers have no processes. Time is bounded as in a process; memory only as far as the template's lists and
 * texts are: what goes beyond ends the page at worst.
 */
export function startRenderWorker(): RendererHost {
  const worker = new Worker(new URL('./chat-template-worker.js', import.meta.url), { type: 'module' });
  let ended = false;
  return {
    get ended() {
      return ended;
    },
    send: (message) => worker.postMessage(message),
    receive(handlers) {
      worker.onmessage = ({ data }) => handlers.reply(data as Reply);
      worker.onerror = ({ message }) => {
        const words = message === undefined ? '' : `: ${message}`;
        handlers.end(new ChatTemplateError('process', `its worker could not run${words}`));
      };
      return {
        stop() {
          worker.onmessage = null;
          worker.onerror = null;
        },
      };
    },
    keepAlive() {},
    kill() {
      ended = true;
      worker.terminate();
    },
  };
}
