// @ts-check

/**
 * Measures how long a checkpoint takes to load on the native backend, against reading its file from the page cache with as
 * many threads, and the memory at its peak against what the loaded weights take. Linux.
 *
 *   pnpm bench:loading                          generates checkpoints, 2 threads, 5 rounds
 *   pnpm bench:loading --shapes 1.1b --schemes gptq-g128 --threads 1 --rounds 3
 *
 * Two ways to read, since memory that is new to a process costs more than what is read into it: through one buffer, which
 * keeps nothing, and into new memory, as loading must. Rounds take turns; each load is a process of its own; medians of times, and
 * of ratios within a round.
 */
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { cpus, homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { makeCheckpoint, schemes } from './make-checkpoint.mjs';
import { run } from './run.mjs';
import { shapes } from './shapes.mjs';
import { median } from './statistics.mjs';

/** @typedef {{ seconds: number, peak: number, weights: number }} Load */

const { values: options } = parseArgs({
  options: {
    shapes: { type: 'string', default: '1.1b' },
    schemes: { type: 'string', default: 'gptq-g128,awq-g128,w4a16-g128,w8a8,fp8' },
    threads: { type: 'string', default: '2' },
    rounds: { type: 'string', default: '5' },
    cache: { type: 'string', default: join(homedir(), '.cache/lowbit-bench') },
  },
});
mkdirSync(options.cache, { recursive: true });
const loadOnce = fileURLToPath(new URL('load-once.mjs', import.meta.url));

console.log(
  `${cpus()[0]?.model.trim()}, ${cpus().length} threads; node ${process.version}; ${options.rounds} rounds, medians\n`,
);
console.log(
  '| model | threads | file, MB | load, ms | read, ms | ratio | read into new memory, ms | ratio | peak / weights |',
);
console.log('|---|---|---|---|---|---|---|---|---|');
for (const name of options.shapes.split(',')) {
  const shape = shapes[name];
  if (!shape) throw new Error(`--shapes: expected some of ${Object.keys(shapes).join(', ')}, found ${name}`);
  for (const scheme of options.schemes.split(',')) {
    if (!isScheme(scheme))
      throw new Error(`--schemes: expected some of ${Object.keys(schemes).join(', ')}, found ${scheme}`);
    const checkpoint = join(options.cache, `${name}-${scheme}`);
    if (!existsSync(join(checkpoint, 'config.json'))) makeCheckpoint(checkpoint, shape, scheme);
    for (const threads of options.threads.split(',').map(Number))
      await measure(`${name} ${scheme}`, checkpoint, threads);
  }
}

/** @param {string} title @param {string} checkpoint @param {number} threads */
async function measure(title, checkpoint, threads) {
  const file = join(checkpoint, 'model.safetensors');
  await readFile(file, threads, false);
  /** @type {(Load & { read: number, kept: number })[]} */
  const rounds = [];
  for (let round = 0; round < Number(options.rounds); round++) {
    const read = await readFile(file, threads, false);
    const kept = await readFile(file, threads, true);
    /** @type {Load} */
    const load = JSON.parse(await run(process.execPath, [loadOnce, checkpoint, String(threads)]));
    rounds.push({ ...load, read, kept });
  }
  /** @param {(round: (typeof rounds)[number]) => number} pick */
  const middle = (pick) => median(rounds.map(pick));
  const milliseconds = (/** @type {number} */ seconds) => (seconds * 1000).toFixed(0);
  const cells = [
    title,
    threads,
    (statSync(file).size / 1e6).toFixed(0),
    milliseconds(middle(({ seconds }) => seconds)),
    milliseconds(middle(({ read }) => read)),
    middle(({ seconds, read }) => seconds / read).toFixed(2),
    milliseconds(middle(({ kept }) => kept)),
    middle(({ seconds, kept }) => seconds / kept).toFixed(2),
    middle(({ peak, weights }) => peak / weights).toFixed(2),
  ];
  console.log(`| ${cells.join(' | ')} |`);
}

/**
 * Seconds of reading a file with as many threads, each its part.
 * @param {string} path
 * @param {number} threads
 * @param {boolean} keep into new memory for all of it
 */
async function readFile(path, threads, keep) {
  const { size } = statSync(path);
  const workers = Array.from({ length: threads }, (_, thread) => {
    const at = (/** @type {number} */ part) => Math.floor((size * part) / threads);
    return new Worker(new URL('read-part.mjs', import.meta.url), {
      workerData: { path, start: at(thread), end: at(thread + 1), keep },
    });
  });
  await Promise.all(workers.map(answer));
  const begin = performance.now();
  for (const worker of workers) worker.postMessage('begin');
  await Promise.all(workers.map(answer));
  const seconds = (performance.now() - begin) / 1000;
  await Promise.all(workers.map((worker) => worker.terminate()));
  return seconds;
}

/** @param {Worker} worker */
function answer(worker) {
  return new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

/** @param {string} name @returns {name is keyof typeof schemes} */
function isScheme(name) {
  return Object.hasOwn(schemes, name);
}
