import type { Io } from '../io.ts';
import { formatSeconds } from './format.ts';
import { printable } from './printable.ts';

interface ProgressState {
  readonly stage: string;
  readonly done: number;
  readonly total: number;
}

export interface ProgressReporter {
  update(state: ProgressState): void;
  /** Clears the live line. */
  end(): void;
}

/** Silent for this long: short work needs no progress. */
const patience = 2000;
/** Between two lines where stderr is no terminal, and between two redraws where it is one; milliseconds. */
const interval = { lines: 5000, live: 100 };

/** Progress on stderr: one live line on a terminal, now and then a line elsewhere, nothing with `quiet`. */
export function createProgress(
  { stderr, env }: Pick<Io, 'stderr' | 'env'>,
  options: { readonly quiet?: boolean | undefined; readonly now?: () => number },
): ProgressReporter {
  const { quiet = false, now = Date.now } = options;
  const live = stderr.isTTY === true && !env.CI && env.TERM !== 'dumb';
  const start = now();
  let last = Number.NEGATIVE_INFINITY;
  let drawn = false;

  return {
    update({ stage, done, total }) {
      const time = now();
      if (quiet || time - start < patience || time - last < (live ? interval.live : interval.lines)) return;
      last = time;
      const percent = total > 0 ? ` (${Math.floor((100 * done) / total)} %)` : '';
      const line = `${printable(stage)}: ${done} of ${total}${percent}, ${formatSeconds((time - start) / 1000)}`;
      stderr.write(live ? `\r\x1b[2K${line.slice(0, (stderr.columns ?? 80) - 1)}` : `${line}\n`);
      drawn = live;
    },
    end() {
      if (drawn) stderr.write('\r\x1b[2K');
      drawn = false;
    },
  };
}
