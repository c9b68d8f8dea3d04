// @ts-check

/**
 * Measures lowbit against what a user would pick instead, on this machine, in one run: the same shapes, the same bits per
 * weight, the same threads; all sides in turn, round after round, each in a process of its own; medians.
 *
 *   pnpm bench                                  everything: makes checkpoints, fetches peers (npm, Debian)
 *   pnpm bench --shapes 0.5b --threads 2 --rounds 3
 *   pnpm bench --no-download                    only peers that are there already
 */
import { existsSync, mkdirSync } from 'node:fs';
import { cpus, homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { makeCheckpoint, schemes } from './make-checkpoint.mjs';
import { makeGguf } from './make-gguf.mjs';
import { llamaBench, nodeLlamaCpp } from './peers.mjs';
import { run } from './run.mjs';
import { shapes } from './shapes.mjs';

/** @typedef {import('./peers.mjs').Measurement} Measurement */
/** @typedef {import('./peers.mjs').Speeds} Speeds */

const { values: options } = parseArgs({
  options: {
    shapes: { type: 'string', default: '0.5b,1.1b' },
    schemes: { type: 'string', default: 'w4a16-g32' },
    threads: { type: 'string', default: '1,2' },
    batches: { type: 'string', default: '1,16' },
    'prompt-tokens': { type: 'string', default: '512' },
    'new-tokens': { type: 'string', default: '64' },
    context: { type: 'string', default: '128' },
    rounds: { type: 'string', default: '5' },
    cache: { type: 'string', default: join(homedir(), '.cache/lowbit-bench') },
    'no-download': { type: 'boolean', default: false },
    numerics: { type: 'string' },
  },
});
const cache = options.cache;
mkdirSync(cache, { recursive: true });
const lowbit = fileURLToPath(new URL('../../packages/cli/bin/lowbit.js', import.meta.url));
if (!existsSync(fileURLToPath(new URL('../../packages/cli/dist/main.js', import.meta.url))))
  throw new Error('pnpm build first');

const found = [await llamaBench(cache, !options['no-download']), await nodeLlamaCpp(cache, !options['no-download'])];
const peers = found.flatMap((one) => (typeof one === 'string' ? [] : [one]));
for (const reason of found) if (typeof reason === 'string') console.error(`not compared: ${reason}`);

console.log(
  `${cpus()[0]?.model.trim()}, ${cpus().length} threads; node ${process.version}; ${options.rounds} rounds, medians, tokens/s\n`,
);
console.log('| model | threads | metric | lowbit | lowest-highest | peer | lowest-highest | ratio |');
console.log('|---|---|---|---|---|---|---|---|');
for (const name of options.shapes.split(',')) {
  const shape = shapes[name];
  if (!shape) throw new Error(`--shapes: expected some of ${Object.keys(shapes).join(', ')}, found ${name}`);
  const gguf = join(cache, `${name}.gguf`);
  if (peers.length > 0 && !existsSync(gguf)) makeGguf(gguf, shape);
  for (const scheme of options.schemes.split(',')) {
    if (!isScheme(scheme))
      throw new Error(`--schemes: expected some of ${Object.keys(schemes).join(', ')}, found ${scheme}`);
    const checkpoint = join(cache, `${name}-${scheme}`);
    if (!existsSync(join(checkpoint, 'config.json'))) makeCheckpoint(checkpoint, shape, scheme);
    for (const threads of options.threads.split(',').map(Number)) {
      await compare(`${name} ${scheme}`, checkpoint, gguf, threads);
    }
  }
}

/** @param {string} title @param {string} checkpoint @param {string} gguf @param {number} threads */
async function compare(title, checkpoint, gguf, threads) {
  /** @type {Measurement} */
  const what = {
    threads,
    promptTokens: Number(options['prompt-tokens']),
    newTokens: Number(options['new-tokens']),
    context: Number(options.context),
    batches: options.batches.split(',').map(Number),
  };
  const sides = [
    { name: 'lowbit', measure: () => measureLowbit(checkpoint, what) },
    ...peers.map((peer) => ({ name: peer.name, measure: () => peer.measure(gguf, what) })),
  ];
  /** @type {Map<string, Speeds[]>} */
  const rounds = new Map(sides.map(({ name }) => [name, []]));
  for (let round = 0; round < Number(options.rounds); round++) {
    for (const { name, measure } of sides) rounds.get(name)?.push(await measure());
  }
  /** @param {string} metric @param {(speeds: Speeds) => readonly number[]} pick */
  const report = (metric, pick) => {
    const runs = sides
      .map(({ name }) => ({ name, speeds: (rounds.get(name) ?? []).flatMap(pick) }))
      .filter(({ speeds }) => speeds.length > 0);
    const [own, ...others] = runs;
    const best = others.sort((a, b) => median(b.speeds) - median(a.speeds))[0];
    const cells = best
      ? [
          `${best.name} ${show(median(best.speeds))}`,
          range(best.speeds),
          `${(median(own?.speeds ?? []) / median(best.speeds)).toFixed(2)}`,
        ]
      : ['none', '', ''];
    console.log(
      `| ${[title, threads, metric, show(median(own?.speeds ?? [])), range(own?.speeds ?? []), ...cells].join(' | ')} |`,
    );
  };
  report(`prefill ${what.promptTokens}`, ({ prefill }) => prefill);
  what.batches.forEach((batch, index) => {
    report(`decode after ${what.context}, batch ${batch}`, ({ decode }) => decode[index] ?? []);
  });
}

/** @param {string} checkpoint @param {Measurement} what @returns {Promise<Speeds>} */
async function measureLowbit(checkpoint, { threads, promptTokens, newTokens, context, batches }) {
  const argv = [
    'bench',
    checkpoint,
    '--prompt-tokens',
    promptTokens,
    '--new-tokens',
    newTokens,
    '--context',
    context,
    '--batch',
    batches.join(','),
    '--threads',
    threads,
    '--runs',
    1,
    '--json',
  ];
  const extra = options.numerics === undefined ? [] : ['--numerics', options.numerics];
  const { prefill, decode } = JSON.parse(await run(process.execPath, [lowbit, ...argv.map(String), ...extra]));
  return { prefill: prefill.runs, decode: decode.batches.map((/** @type {{ runs: number[] }} */ one) => one.runs) };
}

/** @param {string} name @returns {name is keyof typeof schemes} */
function isScheme(name) {
  return Object.hasOwn(schemes, name);
}

/** @param {readonly number[]} values */
function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? Number.NaN)
    : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
}

/** @param {readonly number[]} values */
function range(values) {
  return `${show(Math.min(...values))}-${show(Math.max(...values))}`;
}

/** @param {number} value */
function show(value) {
  return value >= 100 ? value.toFixed(0) : value.toFixed(1);
}
