import { execFile } from 'node:child_process';

/** `passed`, or what went wrong. `lasting`: the same binary on the same processor would say it again. */
export type SelfTest =
  | { readonly kind: 'passed' }
  | { readonly kind: 'failed'; readonly reason: string; readonly lasting: boolean };

/**
 * Lets a process of its own load an addon, compute something with every instruction set and check it: whatever is wrong with
 * a binary ends that process and not this one.
 * @param timeout milliseconds
 */
export function selfTest(path: string, timeout = 30_000): Promise<SelfTest> {
  const script = 'process.stdout.write(JSON.stringify(require(process.argv[1]).selfTest()))';
  return new Promise((resolve) => {
    execFile(process.execPath, ['-e', script, path], { timeout }, (error, stdout, stderr) => {
      const failed = (reason: string, lasting: boolean) => resolve({ kind: 'failed', reason, lasting });
      if (error?.killed) return failed(`the self-test of ${path} was not done after ${timeout / 1000} s`, false);
      if (error?.signal) return failed(`the self-test of ${path} ended with ${meaningOf(error.signal)}`, true);
      if (error) return failed(loadFailure(path, lastLine(stderr) || error.message), false);
      const wrong: unknown = JSON.parse(stdout);
      return wrong === '' ? resolve({ kind: 'passed' }) : failed(`${path}: ${wrong}`, true);
    });
  });
}

function meaningOf(signal: string): string {
  return signal === 'SIGILL' ? 'SIGILL: this processor lacks an instruction that it needs' : signal;
}

/** What the loader says where a binary was made for another system names what is missing, and not why. */
function loadFailure(path: string, reason: string): string {
  const otherLibrary = /GLIBC(XX)?_\d|GNU_HASH|libc\.(so|musl)|ld-(linux|musl)|__\w+_chk: symbol not found/.test(
    reason,
  );
  const otherProcessor =
    /invalid ELF header|wrong ELF class|incompatible architecture|cannot open shared object file: Exec format/;
  const why = otherLibrary
    ? ' It was built for another C library, or a newer one.'
    : otherProcessor.test(reason)
      ? ' It was built for another processor or system, or is damaged.'
      : '';
  return `${path} does not load: ${reason}${reason.endsWith('.') ? '' : '.'}${why}`;
}

/** Node ends its report of an exception with its own version; before it stands the error. */
function lastLine(text: string): string {
  const errors = text.split('\n').filter((line) => /\bError\b/.test(line));
  return errors.at(-1)?.trim() ?? '';
}
