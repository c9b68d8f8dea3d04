import type { ChildProcess } from 'node:child_process';
import { ChatTemplateError } from './chat-template-error.ts';
import type { ChatTemplateLimits } from './chat-template-limits.ts';
import type { RendererHost, Reply } from './renderer-host.ts';

/** Beside this file, and beside the bundle. Not written where it is used: bundlers for browsers would take it along. */
const script = './chat-template-worker.js';

/** A process of its own. */
export function startRenderProcess(limits: ChatTemplateLimits): RendererHost {
  const { fork } = process.getBuiltinModule('node:child_process');
  const child = fork(new URL(script, import.meta.url), {
    execArgv: [`--max-old-space-size=${limits.heapMegabytes}`],
    // The template has no business with the environment.
    env: {},
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    serialization: 'advanced',
  });
  /** End of what it wrote to its standard error. */
  let lastWords = '';
  let ended = false;
  child.once('exit', () => {
    ended = true;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    lastWords = (lastWords + text).slice(-8000);
  });
  // Between renders an idle process holds nobody's exit up.
  keepAlive(child, false);
  return {
    get ended() {
      return ended;
    },
    send: (message) => void child.send(message),
    receive(handlers) {
      const answered = (reply: unknown) => handlers.reply(reply as Reply);
      const closed = (code: number | null, killedBy: NodeJS.Signals | null) =>
        handlers.end(endedError(lastWords, limits, code ?? killedBy));
      const failed = (cause: Error) => handlers.end(new ChatTemplateError('process', cause.message, { cause }));
      child.once('message', answered).once('close', closed).once('error', failed);
      return { stop: () => void child.off('message', answered).off('close', closed).off('error', failed) };
    },
    keepAlive: (keep) => keepAlive(child, keep),
    kill() {
      ended = true;
      child.kill('SIGKILL');
    },
  };
}

function keepAlive(child: ChildProcess, keep: boolean): void {
  // The stream of a pipe is a socket, which its type does not say.
  const stderr = child.stderr as (NodeJS.ReadableStream & { ref?(): void; unref?(): void }) | null;
  for (const handle of [child, child.channel, stderr]) {
    if (keep) handle?.ref?.();
    else handle?.unref?.();
  }
}

function endedError(lastWords: string, limits: ChatTemplateLimits, status: number | string | null) {
  if (/heap out of memory|invalid .* size/i.test(lastWords)) {
    return new ChatTemplateError('memory', `took more memory than ${limits.heapMegabytes} MB`);
  }
  const words = lastWords.trim().split('\n').slice(0, 5).join('\n');
  return new ChatTemplateError('process', `its process ended with ${status}${words === '' ? '' : `: ${words}`}`);
}
