// @ts-check
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './run.mjs';

/**
 * One line of the microbenchmark of the linear kernels.
 * @typedef {{ readonly name: string, readonly gigabytesPerSecond: number, readonly readGigabytesPerSecond: number, readonly gigaOperationsPerSecond: number, readonly peakGigaOperationsPerSecond: number | undefined }} LinearSpeed
 */

/**
 * Builds `linear-bench` of kernels-cpu/native/cpp/linear where something has changed, and runs it.
 * @param {string} cache
 * @param {readonly (string | number)[]} argv threads, rounds, part of a name, rows
 * @returns {Promise<readonly LinearSpeed[]>}
 */
export async function measureLinears(cache, argv) {
  const sources = fileURLToPath(new URL('../../kernels-cpu/native/cpp/linear', import.meta.url));
  // CMake ties a build to where its sources are.
  const checkout = createHash('sha256').update(sources).digest('hex').slice(0, 8);
  const folder = join(cache, 'linear-bench', checkout);
  await run('cmake', ['-S', sources, '-B', folder]);
  await run('cmake', ['--build', folder, '--target', 'linear-bench', '--parallel']);
  return readLines(await run(join(folder, 'linear-bench'), argv.map(String)));
}

/** @param {string} text @returns {readonly LinearSpeed[]} */
export function readLines(text) {
  return text.split('\n').flatMap((line) => {
    const found = /^(.+ rows?) +([\d.]+) +([\d.]+) +\d+% +(\d+)(?: +(\d+) +\d+%)? +\d+%$/.exec(line);
    if (!found) return [];
    const [, name = '', rate, read, operations, peak] = found;
    return {
      name,
      gigabytesPerSecond: Number(rate),
      readGigabytesPerSecond: Number(read),
      gigaOperationsPerSecond: Number(operations),
      peakGigaOperationsPerSecond: peak === undefined ? undefined : Number(peak),
    };
  });
}
