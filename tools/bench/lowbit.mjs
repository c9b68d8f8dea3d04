// @ts-check
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { run } from './run.mjs';

/** @typedef {import('./metrics.mjs').Metric} Metric */

const command = fileURLToPath(new URL('../../packages/cli/bin/lowbit.js', import.meta.url));

export function requireBuilt() {
  if (!existsSync(fileURLToPath(new URL('../../packages/cli/dist/main.js', import.meta.url))))
    throw new Error('pnpm build first');
}

/**
 * What `lowbit bench` says of a metric.
 * @param {string} checkpoint
 * @param {Metric} metric
 * @param {number} threads
 * @param {readonly string[]} more options of the command
 * @returns {Promise<{ samples: readonly number[], bandwidthShare?: number, readBytesPerSecond?: number }>}
 */
export async function measureLowbit(checkpoint, metric, threads, more) {
  const { kind, promptTokens, newTokens, batch, runs } = metric;
  // What is not asked for is kept short: a bench always reads a prompt and decodes.
  const sizes =
    kind === 'decode'
      ? { 'prompt-tokens': 16, 'new-tokens': newTokens, context: promptTokens }
      : { 'prompt-tokens': promptTokens, 'new-tokens': 1, context: 1 };
  const argv = Object.entries({ ...sizes, batch, runs, threads }).flatMap(([name, value]) => [`--${name}`, `${value}`]);
  const report = JSON.parse(await run(process.execPath, [command, 'bench', checkpoint, ...argv, ...more, '--json']));
  const { readBytesPerSecond } = report.memory;
  if (kind === 'firstToken') return { samples: [report.firstToken.seconds], readBytesPerSecond };
  if (kind === 'prefill') return { samples: report.prefill.runs, readBytesPerSecond };
  const { bandwidthShare } = report.decode;
  return { samples: report.decode.runs, bandwidthShare, readBytesPerSecond };
}
