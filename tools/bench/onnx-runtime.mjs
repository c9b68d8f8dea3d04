// @ts-check

/**
 * The 4-bit kernels alone against MatMulNBits of ONNX Runtime, on this machine, in one run: matrices of 4096 x 4096, as many
 * different ones as no cache holds, each product behind a barrier and with the preparation of its input; both in turn,
 * round after round; medians.
 *
 *   pnpm bench:kernels
 *   pnpm bench:kernels --threads 2 --rows 1 --rounds 5
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { measureLinears } from './linear-bench.mjs';
import { machineLines } from './machine.mjs';
import { installPackages } from './npm.mjs';
import { run } from './run.mjs';
import { median, range, significant, tableHead, tableRow } from './statistics.mjs';

const version = '1.30.0';
/** More than 240 MB of weights, as `linear-bench` has. */
const chain = { size: 4096, count: 32 };
/** What ONNX Runtime calls levels: activations in 8 bits, or in f32; and what is the same here. */
const accuracies = [
  { level: 4, name: 'int8', own: 'int8PerGroup' },
  { level: 0, name: 'f32', own: 'exact' },
];

const { values: options } = parseArgs({
  options: {
    threads: { type: 'string', default: '1,2' },
    rows: { type: 'string', default: '1,512' },
    blocks: { type: 'string', default: '32,128' },
    rounds: { type: 'string', default: '3' },
    'instruction-set': { type: 'string', default: 'avx512' },
    cache: { type: 'string', default: join(homedir(), '.cache/lowbit-bench') },
    output: { type: 'string' },
  },
});
const numbers = (/** @type {string} */ list) => list.split(',').map(Number);
const rows = numbers(options.rows);
const rounds = Number(options.rounds);
mkdirSync(options.cache, { recursive: true });
const folder = join(options.cache, 'onnxruntime-node');
if (!existsSync(join(folder, 'node_modules/onnxruntime-node')))
  await installPackages(folder, [`onnxruntime-node@${version}`]);
const worker = fileURLToPath(new URL('onnx-runtime-worker.mjs', import.meta.url));

/**
 * @typedef {{ readonly threads: number, readonly blockSize: number, readonly accuracy: typeof accuracies[number] }} Case
 * @typedef {{ readonly own: number[], readonly read: number[], readonly peer: number[] }} Times milliseconds of a product; GB/s
 */
/** @type {readonly Case[]} */
const cases = numbers(options.threads).flatMap((threads) =>
  numbers(options.blocks).flatMap((blockSize) => accuracies.map((accuracy) => ({ threads, blockSize, accuracy }))),
);
/** @type {Map<string, Times>} */
const measured = new Map();
for (let round = 0; round < rounds; round++) {
  for (const one of cases) {
    console.error(
      `round ${round + 1} of ${rounds}: ${one.threads} threads, blocks of ${one.blockSize}, ${one.accuracy.name}`,
    );
    await measureCase(one);
  }
}
const head = tableHead([
  'threads',
  'rows',
  'block',
  'activations',
  'lowbit, ms',
  'lowest-highest',
  'GB/s',
  'of memory speed',
  'GOPS',
  'ONNX Runtime, ms',
  'lowest-highest',
  'ratio',
]);
const report = [
  ...machineLines(),
  `- onnxruntime-node ${version}, CPU; its scales are f32 (5 and 4.25 bits per weight for blocks of 32 and 128), those of lowbit f16 (4.5 and 4.125)`,
  `- ${chain.size} x ${chain.size}, ${chain.count} different matrices in turn; ${rounds} rounds, medians; a ratio above 1 says that lowbit is ahead`,
  '',
  head,
  ...cases.flatMap((one) => rows.map((count) => resultRow(one, count))),
  '',
].join('\n');
const file = options.output ?? join(options.cache, `kernels-${new Date().toISOString().replace(/[:.]/g, '-')}.md`);
writeFileSync(file, report);
console.log(report);
console.error(`written to ${file}`);

/** @param {Case} one */
async function measureCase({ threads, blockSize, accuracy }) {
  const name = `${options['instruction-set']} i4 g${blockSize} ${accuracy.own}`;
  for (const count of rows) {
    const [line] = await measureLinears(options.cache, [threads, 3, name, count]);
    if (!line) throw new Error(`linear-bench knows no ${name}`);
    const times = timesOf({ threads, blockSize, accuracy }, count);
    // The line's rate with more digits: of a few rows that of bytes, of many that of operations.
    times.own.push(
      count <= 16
        ? weightBytes(blockSize) / line.gigabytesPerSecond / 1e6
        : operations(count) / line.gigaOperationsPerSecond / 1e6,
    );
    times.read.push(line.readGigabytesPerSecond);
  }
  const runs = 3;
  const asked = { ...chain, threads, rows, runs, blockSize, accuracyLevel: accuracy.level };
  const found = JSON.parse(await run(process.execPath, [worker, JSON.stringify(asked)], folder));
  for (const count of rows) timesOf({ threads, blockSize, accuracy }, count).peer.push(median(found[count]));
}

/** @param {Case} one @param {number} count @returns {Times} */
function timesOf({ threads, blockSize, accuracy }, count) {
  const key = [threads, blockSize, accuracy.level, count].join(' ');
  const times = measured.get(key) ?? { own: [], read: [], peer: [] };
  measured.set(key, times);
  return times;
}

/** @param {Case} one @param {number} count */
function resultRow(one, count) {
  const { own, read, peer } = timesOf(one, count);
  const time = median(own);
  const rate = weightBytes(one.blockSize) / time / 1e6;
  const few = count <= 16;
  return tableRow([
    one.threads,
    count,
    one.blockSize,
    one.accuracy.name,
    significant(time),
    range(own),
    few ? significant(rate) : '',
    few ? `${Math.round((100 * rate) / median(read))} %` : '',
    few ? '' : significant(operations(count) / time / 1e6),
    significant(median(peer)),
    range(peer),
    (median(peer) / time).toFixed(2),
  ]);
}

/** Of one matrix with f16 scales. @param {number} blockSize */
function weightBytes(blockSize) {
  return (chain.size ** 2 * (4 + 16 / blockSize)) / 8;
}

/** Of one product. @param {number} count */
function operations(count) {
  return 2 * count * chain.size ** 2;
}
