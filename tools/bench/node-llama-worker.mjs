// @ts-check

/**
 * Measures node-llama-cpp the way `lowbit bench` measures: runs in the folder where that is installed, prints JSON.
 *
 *   node node-llama-worker.mjs '{"model":"x.gguf","threads":2,"promptTokens":512,"newTokens":64,"context":128,"batches":[1,16],"runs":1}'
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const {
  model: modelPath,
  threads,
  promptTokens,
  newTokens,
  context,
  batches,
  runs,
} = JSON.parse(process.argv[2] ?? '');
const entry = createRequire(join(process.cwd(), 'package.json')).resolve('node-llama-cpp');
const { getLlama } = await import(pathToFileURL(entry).href);
const llama = await getLlama({ gpu: false, build: 'never', logLevel: 'error' });
const model = await llama.loadModel({ modelPath });
const largest = Math.max(...batches);
const cache = await model.createContext({
  contextSize: Math.max(promptTokens + 8, context + newTokens + 8),
  sequences: largest,
  batchSize: 512,
  threads,
  flashAttention: true,
});
const sequences = Array.from({ length: largest }, () => cache.getSequence());
const randomIds = (/** @type {number} */ length) =>
  Array.from({ length }, () => 3 + Math.floor(Math.random() * 31_900));

/** @type {{ prefill: number[], decode: number[][] }} */
const speeds = { prefill: [], decode: batches.map(() => []) };
for (let run = 0; run <= runs; run++) {
  const prompt = randomIds(promptTokens);
  const start = performance.now();
  await sequences[0].evaluateWithoutGeneratingNewTokens(prompt);
  const prefill = (promptTokens * 1000) / (performance.now() - start);
  await sequences[0].clearHistory();
  if (run > 0) speeds.prefill.push(prefill);
  for (const [index, batch] of batches.entries()) {
    const speed = await decode(sequences.slice(0, batch));
    if (run > 0) speeds.decode[index]?.push(speed);
  }
}
console.log(JSON.stringify(speeds));
process.exit(0);

/** @param {readonly any[]} batch */
async function decode(batch) {
  for (const sequence of batch) await sequence.evaluateWithoutGeneratingNewTokens(randomIds(context));
  const start = performance.now();
  await Promise.all(
    batch.map(async (sequence) => {
      let tokens = 0;
      for await (const _ of sequence.evaluate(randomIds(1), { yieldEogToken: true, temperature: 0 })) {
        tokens += 1;
        if (tokens >= newTokens) break;
      }
    }),
  );
  const speed = (newTokens * batch.length * 1000) / (performance.now() - start);
  for (const sequence of batch) await sequence.clearHistory();
  return speed;
}
