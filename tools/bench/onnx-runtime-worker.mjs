// @ts-check

/**
 * Times a chain of MatMulNBits in ONNX Runtime: runs in the folder where onnxruntime-node is installed, prints for each number
 * of rows the milliseconds of one product in each run, as JSON.
 *
 *   node onnx-runtime-worker.mjs '{"threads":2,"size":4096,"count":26,"blockSize":32,"accuracyLevel":4,"rows":[1,512],"runs":3}'
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { matMulChain } from './onnx-model.mjs';

const { threads, rows, runs, ...chain } = JSON.parse(process.argv[2] ?? '');
const { InferenceSession, Tensor } = createRequire(join(process.cwd(), 'package.json'))('onnxruntime-node');
const session = await InferenceSession.create(matMulChain(chain), {
  executionProviders: ['cpu'],
  intraOpNumThreads: threads,
  interOpNumThreads: 1,
});

/** @type {Record<number, number[]>} */
const milliseconds = {};
for (const count of rows) {
  const x = new Tensor('float32', randomNormal(count * chain.size), [count, chain.size]);
  const times = [];
  for (let run = 0; run <= runs; run++) {
    const start = performance.now();
    const { y } = await session.run({ x });
    if (run > 0) times.push((performance.now() - start) / chain.count);
    const sum = y.data.reduce((/** @type {number} */ total, /** @type {number} */ one) => total + Math.abs(one), 0);
    if (!(sum > 0 && sum < Number.POSITIVE_INFINITY)) throw new Error(`the outputs of ${count} rows add up to ${sum}`);
  }
  milliseconds[count] = times;
}
console.log(JSON.stringify(milliseconds));
process.exit(0);

/** About normal: a sum of twelve uniform numbers. @param {number} length */
function randomNormal(length) {
  return Float32Array.from({ length }, () => Array.from({ length: 12 }, Math.random).reduce((a, b) => a + b) - 6);
}
