import { Worker as Thread } from 'node:worker_threads';

/** What a worker's script finds in a browser, before it runs. */
const scope = `
  const { parentPort, workerData } = require('node:worker_threads');
  globalThis.postMessage = (message) => parentPort.postMessage(message);
  globalThis.addEventListener = (_, listener) => parentPort.on('message', (data) => listener({ data }));
  import(workerData);
`;

/** A browser's Worker over a thread of Node. */
export class BrowserWorker {
  onmessage: ((event: { readonly data: unknown }) => void) | null = null;
  onerror: ((event: { readonly message?: string }) => void) | null = null;
  readonly #thread: Thread;

  constructor(script: URL) {
    this.#thread = new Thread(scope, { eval: true, workerData: script.href });
    this.#thread.on('message', (data) => this.onmessage?.({ data }));
    this.#thread.on('error', ({ message }) => this.onerror?.({ message }));
  }

  postMessage(message: object): void {
    this.#thread.postMessage(message);
  }

  terminate(): void {
    void this.#thread.terminate();
  }
}
