import type { Server } from 'node:http';
import { createAdaptorServer } from '@hono/node-server';
import { LowbitError } from '@lowbit/core';
import { createApp } from './create-server-app.ts';
import { createServerContext } from './server-context.ts';
import type { ServerOptions } from './server-options.ts';

export interface StartServerOptions extends ServerOptions {
  /** Default `127.0.0.1`: this machine alone. */
  readonly host?: string | undefined;
  /** 0 takes a free one. Default 30000. */
  readonly port?: number | undefined;
  /** Closes the server. */
  readonly signal?: AbortSignal | undefined;
  /** How long `close` waits for answers to be delivered, in milliseconds, before it cuts connections. Default 5000. */
  readonly drainTimeout?: number | undefined;
}

export interface RunningServer {
  readonly url: string;
  readonly port: number;
  /**
   * Takes no more requests, ends all generations with `abort`, delivers what they have, and stops listening. The model
   * stays open.
   */
  close(): Promise<void>;
  /** Fulfilled once the server is closed, by `close` or by the signal. */
  readonly closed: Promise<void>;
}

/**
 * Listens on a port.
 * @throws LowbitError `LISTEN` where the address is taken or not allowed
 */
export async function startServer(options: StartServerOptions): Promise<RunningServer> {
  const { host = '127.0.0.1', port = 30_000, signal, drainTimeout = 5000 } = options;
  signal?.throwIfAborted();
  const context = createServerContext(options);
  const { fetch } = createApp(context);
  const server = createAdaptorServer({ fetch, hostname: host, overrideGlobalObjects: false }) as Server;
  const answers = countAnswers(server);
  await listen(server, host, port);

  const closed = new Promise<void>((resolve) => server.once('close', resolve));
  let closing = false;
  function close(): Promise<void> {
    if (!closing) {
      closing = true;
      signal?.removeEventListener('abort', close);
      context.requests.close();
      drain(server, answers, drainTimeout);
    }
    return closed;
  }
  signal?.addEventListener('abort', close, { once: true });

  const address = server.address();
  const boundPort = typeof address === 'object' && address ? address.port : port;
  return { url: `http://${host.includes(':') ? `[${host}]` : host}:${boundPort}`, port: boundPort, close, closed };
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const remedy = cause.code === 'EADDRINUSE' ? 'Choose another port, or 0 for a free one.' : undefined;
      reject(
        new LowbitError({
          code: 'LISTEN',
          message: `cannot listen on ${host}:${port}: ${cause.message}`,
          remedy,
          cause,
        }),
      );
    });
    server.listen(port, host, () => resolve());
  });
}

/** Closes the server as soon as all answers are delivered, or the time is over. */
function drain(server: Server, answers: { readonly open: number }, timeout: number): void {
  const timer = setTimeout(() => server.closeAllConnections(), timeout);
  // Connections that have not yet asked for anything are not idle to Node, and would hold the server open.
  const poll = setInterval(() => {
    if (answers.open === 0) server.closeAllConnections();
  }, 20);
  server.close(() => {
    clearInterval(poll);
    clearTimeout(timer);
  });
}

function countAnswers(server: Server): { readonly open: number } {
  const answers = { open: 0 };
  server.on('request', (_, response) => {
    answers.open++;
    response.once('close', () => {
      answers.open--;
    });
  });
  return answers;
}
