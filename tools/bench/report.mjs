// @ts-check
import { median, range, significant, tableHead, tableRow } from './statistics.mjs';

/**
 * Something that runs a model, and what was measured of it.
 * @typedef {object} Side
 * @property {string} name
 * @property {string} weights scheme or GGUF type
 * @property {number} bitsPerWeight
 * @property {'q4_0' | 'q8_0'} beside the GGUF type that it is, or is compared with
 * @property {boolean} slow whether it takes part in what takes long
 * @property {(metric: string) => Promise<{ samples: readonly number[], bandwidthShare?: number, readBytesPerSecond?: number }>} measure
 * @property {Map<string, readonly number[]>} samples by metric
 * @property {Map<string, readonly number[]>} shares of the speed of memory, by metric
 * @property {number[]} readRates bytes per second
 */

/**
 * Every metric of every scheme beside the better of the peers that run about the same bits per weight.
 * @param {string} title
 * @param {readonly Side[]} sides
 * @param {Readonly<Record<string, import('./metrics.mjs').Metric>>} metrics
 */
export function comparisonTable(title, sides, metrics) {
  const own = sides.filter(({ name }) => name === 'lowbit');
  const rows = Object.entries(metrics).flatMap(([metric, { title, kind }]) =>
    own.flatMap((side) => {
      const samples = side.samples.get(metric) ?? [];
      if (samples.length === 0) return [];
      const lowerIsBetter = kind === 'firstToken';
      const peers = sides.filter(({ name, beside }) => name !== 'lowbit' && beside === side.beside);
      return [
        tableRow([...ownCells(title, side, metric, samples), ...peerCells(peers, metric, samples, lowerIsBetter)]),
      ];
    }),
  );
  const readRates = own.flatMap((side) => side.readRates);
  const memory =
    readRates.length > 0
      ? `Memory was read at ${significant(median(readRates) / 1e9)} GB/s (${range(readRates.map((rate) => rate / 1e9))}) by lowbit's threads between its runs.\n\n`
      : '';
  const head = tableHead([
    'metric, tokens/s unless said',
    'lowbit',
    'bits/weight',
    'median',
    'lowest-highest',
    'of memory speed',
    'better peer',
    'bits/weight',
    'median',
    'lowest-highest',
    'ratio',
  ]);
  return `## ${title}\n\n${memory}${head}\n${rows.join('\n')}\n`;
}

/** @param {string} title @param {Side} side @param {string} metric @param {readonly number[]} samples */
function ownCells(title, side, metric, samples) {
  const shares = side.shares.get(metric);
  const share = shares ? `${Math.round(100 * median(shares))} %` : '';
  return [title, side.weights, side.bitsPerWeight, significant(median(samples)), range(samples), share];
}

/** @param {readonly Side[]} peers @param {string} metric @param {readonly number[]} own @param {boolean} lowerIsBetter */
function peerCells(peers, metric, own, lowerIsBetter) {
  const measured = peers
    .map(({ name, weights, bitsPerWeight, samples }) => ({
      name,
      weights,
      bitsPerWeight,
      samples: samples.get(metric) ?? [],
    }))
    .filter(({ samples }) => samples.length > 0)
    .map((peer) => ({ ...peer, middle: median(peer.samples) }))
    .sort((a, b) => (lowerIsBetter ? a.middle - b.middle : b.middle - a.middle));
  const [best] = measured;
  if (!best) return ['none', '', '', '', ''];
  const ratio = lowerIsBetter ? best.middle / median(own) : median(own) / best.middle;
  return [
    `${best.name} ${best.weights}`,
    best.bitsPerWeight,
    significant(best.middle),
    range(best.samples),
    ratio.toFixed(2),
  ];
}
