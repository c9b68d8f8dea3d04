// @ts-check

/**
 * Measures one metric with node-llama-cpp the way `lowbit bench` measures it: runs in the folder where that is installed,
 * prints the numbers as JSON.
 *
 *   node node-llama-worker.mjs '{"model":"x.gguf","threads":2,"flashAttention":true,"kind":"prefill","promptTokens":512,"newTokens":0,"batch":1,"runs":1}'
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const { model, threads, flashAttention, kind, promptTokens, newTokens, batch, runs } = JSON.parse(
  process.argv[2] ?? '',
);
const entry = createRequire(join(process.cwd(), 'package.json')).resolve('node-llama-cpp');
const { getLlama } = await import(pathToFileURL(entry).href);
const llama = await getLlama({ gpu: false, build: 'never', logLevel: 'error' });
const loaded = await llama.loadModel({ modelPath: model });
const cache = await loaded.createContext({
  contextSize: promptTokens + newTokens + 8,
  sequences: batch,
  batchSize: 512,
  threads,
  flashAttention,
});
const sequences = Array.from({ length: batch }, () => cache.getSequence());
const measure = { prefill, decode, firstToken }[/** @type {string} */ (kind)] ?? firstToken;
console.log(JSON.stringify(await measure()));
process.exit(0);

async function firstToken() {
  for await (const _ of sequences[0].evaluate(randomIds(promptTokens), greedy())) return [performance.now() / 1000];
  return [];
}

async function prefill() {
  const speeds = [];
  for (let run = 0; run <= runs; run++) {
    const prompt = randomIds(promptTokens);
    const start = performance.now();
    await sequences[0].evaluateWithoutGeneratingNewTokens(prompt);
    if (run > 0) speeds.push((promptTokens * 1000) / (performance.now() - start));
    await sequences[0].clearHistory();
  }
  return speeds;
}

/** A short decoding warms up. */
async function decode() {
  await decodeOnce(Math.min(promptTokens, 16), Math.min(newTokens, 16));
  const speeds = [];
  for (let run = 0; run < runs; run++) speeds.push(await decodeOnce(promptTokens, newTokens));
  return speeds;
}

/** @param {number} cached @param {number} written */
async function decodeOnce(cached, written) {
  for (const sequence of sequences) await sequence.evaluateWithoutGeneratingNewTokens(randomIds(cached));
  const start = performance.now();
  await Promise.all(
    sequences.map(async (sequence) => {
      let tokens = 0;
      for await (const _ of sequence.evaluate(randomIds(1), greedy())) {
        tokens += 1;
        if (tokens >= written) break;
      }
    }),
  );
  const speed = (written * batch * 1000) / (performance.now() - start);
  for (const sequence of sequences) await sequence.clearHistory();
  return speed;
}

function greedy() {
  return { yieldEogToken: true, temperature: 0 };
}

/** @param {number} length */
function randomIds(length) {
  return Array.from({ length }, () => 3 + Math.floor(Math.random() * 31_900));
}
