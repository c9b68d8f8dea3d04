import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { createProgress } from './progress.ts';

/** What is written for updates at the given times, in milliseconds from the start. */
function written(
  options: { isTTY?: boolean; quiet?: boolean; env?: Record<string, string> },
  times: readonly number[],
) {
  const stderr = Object.assign(new PassThrough(), { isTTY: options.isTTY ?? false, columns: 30 });
  let time = 0;
  const progress = createProgress({ stderr, env: options.env ?? {} }, { quiet: options.quiet, now: () => time });
  for (const next of times) {
    time = next;
    progress.update({ stage: 'load', done: next / 100, total: 200 });
  }
  progress.end();
  return stderr.read()?.toString() ?? '';
}

describe('progress', () => {
  it('is silent for the first two seconds', () => {
    expect(written({}, [0, 1000, 1999])).toBe('');
    expect(written({ isTTY: true }, [0, 1000, 1999])).toBe('');
  });

  it('is a line every five seconds where stderr is no terminal, or in CI', () => {
    const lines = 'load: 20 of 200 (10 %), 2.00 s\nload: 70 of 200 (35 %), 7.00 s\n';
    expect(written({}, [2000, 4000, 6999, 7000, 11_000])).toBe(lines);
    expect(written({ isTTY: true, env: { CI: 'true' } }, [2000, 7000])).toBe(lines);
  });

  it('is one live line on a terminal, cut to its width and cleared at the end', () => {
    expect(written({ isTTY: true }, [2000, 2050, 2100])).toBe(
      '\r\x1b[2Kload: 20 of 200 (10 %), 2.00 \r\x1b[2Kload: 21 of 200 (10 %), 2.10 \r\x1b[2K',
    );
  });

  it('is nothing with quiet', () => {
    expect(written({ isTTY: true, quiet: true }, [2000, 9000])).toBe('');
  });
});
