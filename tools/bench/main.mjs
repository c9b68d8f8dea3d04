// @ts-check

/**
 * Measures lowbit against what a user would pick instead, on this machine, in one run: the same shapes, about the same bits
 * per weight, the same threads; all sides in turn, round after round, each in a process of its own that warms up; medians.
 *
 *   pnpm bench                                  everything: makes checkpoints, fetches peers (npm, Debian)
 *   pnpm bench --shapes 0.5b                    one shape
 *   pnpm bench --metrics prefill,decode --threads 1,2 --schemes w4a16-g32 --rounds 5
 *   pnpm bench --instruction-set avx2           as a processor without AVX-512 would: on both sides, so without node-llama-cpp
 *   pnpm bench --no-download                    only peers that are there already
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, homedir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { measureLinears } from './linear-bench.mjs';
import { measureLowbit, requireBuilt } from './lowbit.mjs';
import { machineLines } from './machine.mjs';
import { makeCheckpoint, schemes } from './make-checkpoint.mjs';
import { ggufTypes, makeGguf } from './make-gguf.mjs';
import { metricsOf } from './metrics.mjs';
import { findPeers } from './peers.mjs';
import { comparisonTable } from './report.mjs';
import { rooflineTable } from './roofline.mjs';
import { shapes } from './shapes.mjs';
import { median, significant } from './statistics.mjs';

/** @typedef {import('./report.mjs').Side} Side */

const { values: options } = parseArgs({
  options: {
    shapes: { type: 'string', default: '0.5b,1.1b' },
    schemes: { type: 'string', default: Object.keys(schemes).join(',') },
    metrics: { type: 'string', default: 'prefill,decode,batch,long,first-token' },
    /** What the slow metrics, batch and long, are measured with; default: the first of --schemes. */
    'slow-schemes': { type: 'string' },
    threads: { type: 'string', default: `${availableParallelism()}` },
    rounds: { type: 'string', default: '3' },
    'prompt-tokens': { type: 'string', default: '512' },
    'new-tokens': { type: 'string', default: '64' },
    context: { type: 'string', default: '128' },
    'long-context': { type: 'string', default: '4096' },
    batch: { type: 'string', default: '16' },
    numerics: { type: 'string', default: 'fast' },
    'kv-cache-dtype': { type: 'string', default: 'f16' },
    /** Of the peers: on, off, or on,off, which is faster now and then with one of them. */
    'flash-attention': { type: 'string', default: 'on' },
    'instruction-set': { type: 'string' },
    cache: { type: 'string', default: join(homedir(), '.cache/lowbit-bench') },
    'no-download': { type: 'boolean', default: false },
    output: { type: 'string' },
  },
});
requireBuilt();
const cache = options.cache;
mkdirSync(cache, { recursive: true });
const metrics = metricsOf({
  promptTokens: Number(options['prompt-tokens']),
  newTokens: Number(options['new-tokens']),
  context: Number(options.context),
  longContext: Number(options['long-context']),
  batch: Number(options.batch),
});
const chosen = {
  shapes: choose('shapes', options.shapes, shapes),
  schemes: choose('schemes', options.schemes, schemes),
  slowSchemes: choose('slow-schemes', options['slow-schemes'] ?? options.schemes.split(',')[0] ?? '', schemes),
  metrics: choose('metrics', options.metrics, metrics),
  threads: options.threads.split(',').map(Number),
};
const rounds = Number(options.rounds);
const flashAttention = choose('flash-attention', options['flash-attention'], { on: true, off: false });
const instructionSet = options['instruction-set'];
const peers = await findPeers(cache, !options['no-download'], instructionSet);
const start = Date.now();

/** @type {string[]} */
const tables = [];
/** What could not be measured, and why: a run of many minutes does not end for it. @type {string[]} */
const failures = [];
/** @type {object[]} */
const measured = [];
for (const shape of chosen.shapes) {
  for (const threads of chosen.threads) {
    const sides = sidesOf(shape, threads);
    for (let round = 0; round < rounds; round++) {
      for (const metric of chosen.metrics) await measureRound(sides, metric, round);
    }
    for (const { name, weights, samples } of sides)
      measured.push({ shape, threads, name, weights, samples: Object.fromEntries(samples) });
    tables.push(comparisonTable(`${shape}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`, sides, metrics));
    tables.push(await roofline(shape, threads, sides).catch(withoutTable));
  }
}
const report = [
  ...machineLines(),
  ...peers.map(({ name, version }) => `- ${name}: ${version}, flash attention ${flashAttention.join(' and ')}`),
  `- lowbit: --numerics ${options.numerics} --kv-cache-dtype ${options['kv-cache-dtype']}${instructionSet ? ` --device cpu:native:${instructionSet}` : ''}; rounds: ${rounds}, medians; a ratio above 1 says that lowbit is ahead`,
  `- took ${Math.round((Date.now() - start) / 1000)} s`,
  '',
  ...tables,
  ...failures.map((failure) => `Failed: ${failure.trim()}\n`),
].join('\n');
const file = options.output ?? join(cache, `report-${new Date().toISOString().replace(/[:.]/g, '-')}.md`);
writeFileSync(file, report);
writeFileSync(`${file}.json`, JSON.stringify(measured, undefined, 2));
console.log(report);
console.error(`written to ${file}; all numbers of all sides are in ${file}.json`);

/** What was measured is not lost for want of a table. @param {Error} error */
function withoutTable(error) {
  failures.push(`roofline: ${error.message}`);
  return '';
}

/**
 * What the first scheme can do at most, beside what it did.
 * @param {string} shapeName @param {number} threads @param {readonly Side[]} sides
 */
async function roofline(shapeName, threads, sides) {
  const [side] = sides;
  const shape = shapes[shapeName];
  if (!side || !shape || !side.samples.has('prefill') || !side.samples.has('decode')) return '';
  if (side.readRates.length === 0 || instructionSet) return '';
  const [line] = await measureLinears(cache, [threads, 3, 'avx512 i4 g128 int8PerGroup, 504']);
  const peak = line?.peakGigaOperationsPerSecond;
  if (peak === undefined) return '';
  const machine = { readBytesPerSecond: median(side.readRates), operationsPerSecond: peak * 1e9 };
  const { bitsPerWeight } = side;
  const [context, promptTokens] = [Number(options.context), Number(options['prompt-tokens'])];
  /** @param {string} metric */
  const speed = (metric) => {
    const samples = side.samples.get(metric);
    return samples && median(samples);
  };
  const table = rooflineTable(
    machine,
    { shape, bitsPerWeight, context, promptTokens },
    { decode: speed('decode'), prefill: speed('prefill') },
  );
  return `${side.weights}: memory at ${significant(machine.readBytesPerSecond / 1e9)} GB/s, VNNI out of registers at ${peak} billion operations per second.\n\n${table}\n`;
}

/** One metric, once on every side that takes part. @param {readonly Side[]} sides @param {string} metric @param {number} round */
async function measureRound(sides, metric, round) {
  const slow = metric === 'batch' || metric === 'long';
  if (round >= (metrics[metric]?.most ?? 0)) return;
  for (const side of sides) {
    if (slow && !side.slow) continue;
    console.error(`round ${round + 1} of ${rounds}, ${metric}: ${side.name} ${side.weights}`);
    const { samples, bandwidthShare, readBytesPerSecond } = await side.measure(metric).catch((error) => {
      const failure = `${metric}, ${side.name} ${side.weights}: ${error instanceof Error ? error.message : error}`;
      console.error(failure);
      failures.push(failure);
      return { samples: [], bandwidthShare: undefined, readBytesPerSecond: undefined };
    });
    side.samples.set(metric, [...(side.samples.get(metric) ?? []), ...samples]);
    if (bandwidthShare !== undefined) side.shares.set(metric, [...(side.shares.get(metric) ?? []), bandwidthShare]);
    if (readBytesPerSecond !== undefined) side.readRates.push(readBytesPerSecond);
  }
}

/** Every scheme of lowbit, and every peer with every type that stands beside one of them. @param {string} shape @param {number} threads @returns {Side[]} */
function sidesOf(shape, threads) {
  const fresh = () => ({ samples: new Map(), shares: new Map(), readRates: [] });
  const more = ['--numerics', options.numerics, '--kv-cache-dtype', options['kv-cache-dtype'], '--quiet'];
  if (instructionSet) more.push('--device', `cpu:native:${instructionSet}`);
  const own = chosen.schemes.map((scheme) => {
    const checkpoint = checkpointFor(shape, scheme);
    const { bitsPerWeight, ggufType } = schemes[scheme];
    return {
      ...fresh(),
      name: 'lowbit',
      weights: scheme,
      bitsPerWeight,
      beside: ggufType,
      slow: chosen.slowSchemes.includes(scheme),
      measure: (/** @type {string} */ metric) => measureLowbit(checkpoint, metricNamed(metric), threads, more),
    };
  });
  const types = [...new Set(own.map(({ beside }) => beside))];
  const others = types.flatMap((type) =>
    peers.flatMap((peer) =>
      flashAttention.map((flash) => ({
        ...fresh(),
        name: flash === 'on' ? peer.name : `${peer.name} without flash attention`,
        weights: type,
        bitsPerWeight: ggufTypes[type].bitsPerWeight,
        beside: type,
        slow: own.some(({ beside, slow }) => slow && beside === type),
        measure: async (/** @type {string} */ metric) => ({
          samples: await peer.measure(ggufFor(shape, type), metricNamed(metric), {
            threads,
            flashAttention: flash === 'on',
          }),
        }),
      })),
    ),
  );
  return [...own, ...others];
}

/** @param {string} name */
function metricNamed(name) {
  const metric = metrics[name];
  if (!metric) throw new Error(`there is no metric ${name}`);
  return metric;
}

/** @param {string} shape @param {keyof typeof schemes} scheme */
function checkpointFor(shape, scheme) {
  const folder = join(cache, `${shape}-${scheme}`);
  const found = shapes[shape];
  if (found && !existsSync(join(folder, 'config.json'))) makeCheckpoint(folder, found, scheme);
  return folder;
}

/** @param {string} shape @param {keyof typeof ggufTypes} type */
function ggufFor(shape, type) {
  const file = join(cache, `${shape}-${type}.gguf`);
  const found = shapes[shape];
  if (found && !existsSync(file)) makeGguf(file, found, type);
  return file;
}

/**
 * @template {string} Name
 * @param {string} option @param {string} text @param {Readonly<Record<Name, unknown>>} among
 * @returns {readonly Name[]}
 */
function choose(option, text, among) {
  const names = /** @type {Name[]} */ (text.split(',').filter(Boolean));
  const wrong = names.find((name) => !Object.hasOwn(among, name));
  if (wrong === undefined) return names;
  throw new Error(`--${option}: expected some of ${Object.keys(among).join(', ')}, found ${wrong}`);
}
