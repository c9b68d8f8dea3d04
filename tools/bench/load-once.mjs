// @ts-check

/**
 * Opens a checkpoint once, in a process of its own, and prints as JSON what it took: seconds of `openModel`, with everything
 * imported and the backend probed before, and the memory of this process that came with it, at its peak and at the end.
 *
 *   node load-once.mjs <checkpoint> <threads>
 */
import { readFileSync } from 'node:fs';
import awq from '@lowbit/awq';
import compressedTensors from '@lowbit/compressed-tensors';
import { createRegistry } from '@lowbit/core';
import gptq from '@lowbit/gptq';
import native from '@lowbit/kernels-cpu';
import { openModel } from '@lowbit/runtime';

const [checkpoint = '', threads = '1'] = process.argv.slice(2);
const registry = createRegistry({ methods: [awq, gptq, compressedTensors], backends: [native] });
const probe = await native.probe();
if (probe.kind === 'unavailable') throw new Error(probe.refusal.message);

const before = memory('VmRSS');
const begin = performance.now();
const model = await openModel(checkpoint, {
  registry,
  device: 'cpu:native',
  threads: Number(threads),
  contextLength: 64,
  kvCacheTokens: 64,
});
const seconds = (performance.now() - begin) / 1000;
const peak = memory('VmHWM') - before;
const { weights } = model.info.memory;
await model.close();
console.log(JSON.stringify({ seconds, peak, weights }));

/** Bytes, as Linux counts them for this process. @param {string} name */
function memory(name) {
  const found = new RegExp(`^${name}:\\s*(\\d+) kB$`, 'm').exec(readFileSync('/proc/self/status', 'utf8'));
  return Number(found?.[1]) * 1024;
}
