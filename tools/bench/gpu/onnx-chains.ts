import { createRequire } from 'node:module';
import { join } from 'node:path';
import { halves } from '../make-checkpoint.mjs';
import { largestNumber, matMulChain } from '../onnx-model.mjs';
import { median } from '../statistics.mjs';
import { groupSize, randomCodes, scaleOf } from './linear-chain.ts';

/** What MatMulNBits is asked for. */
export interface OnnxChain {
  readonly size: number;
  readonly count: number;
  readonly rows: readonly number[];
  /** 4: activations in 8 bits where the provider can; 0: not. */
  readonly accuracyLevel: number;
  /** Of inputs, outputs and scales. */
  readonly numbers: 'float' | 'float16';
  readonly samples: number;
  /** Milliseconds. */
  readonly warmUp: number;
}

export interface OnnxChainTimes {
  readonly rows: number;
  /** Milliseconds of one product, chain after chain on the device, in each sample. */
  readonly milliseconds: readonly number[];
  /** The same while the chains were handed over: as long as the whole where the processor is the limit. */
  readonly handingOver: number;
}

interface Tensor {
  readonly data: Float32Array | Uint16Array;
  dispose(): void;
}

interface OnnxRuntime {
  readonly InferenceSession: {
    create(model: Buffer, options: object): Promise<{ run(feeds: object): Promise<{ readonly y: Tensor }> }>;
  };
  readonly Tensor: new (type: string, data: Float32Array | Uint16Array, dims: readonly number[]) => Tensor;
}

/**
 * Times a chain of MatMulNBits on the WebGPU provider of the onnxruntime-node in `folder`. Inputs and outputs stay on the
 * device; one number is read at the end. What a few chains take less than many is left out: handing over, waiting, reading.
 */
export async function measureOnnxChain(folder: string, chain: OnnxChain): Promise<readonly OnnxChainTimes[]> {
  const { size, count, accuracyLevel, numbers, samples } = chain;
  const require = createRequire(join(folder, 'package.json'));
  const { InferenceSession, Tensor } = require('onnxruntime-node') as OnnxRuntime;
  const half = numbers === 'float16';
  const codes = randomCodes(size);
  const scales = new Uint8Array(((half ? 2 : 4) * size * size) / groupSize);
  if (half) halves(scaleOf(size))(scales);
  else new Float32Array(scales.buffer).fill(scaleOf(size));
  const model = matMulChain({
    size,
    count,
    blockSize: groupSize,
    accuracyLevel,
    numbers,
    codes: () => codes,
    scales: Buffer.from(scales.buffer),
  });
  const executionProviders = [{ name: 'webgpu', validationMode: 'disabled' }];
  const products = await InferenceSession.create(model, { executionProviders, preferredOutputLocation: 'gpu-buffer' });
  const largest = await InferenceSession.create(largestNumber({ size, numbers }), { executionProviders });

  const found: OnnxChainTimes[] = [];
  for (const rows of chain.rows) {
    const length = rows * size;
    const data = half ? new Uint16Array(length).fill(0x3800) : Float32Array.from({ length }, () => Math.random() - 0.5);
    const { y: x } = await products.run({ x: new Tensor(half ? 'float16' : 'float32', data, [rows, size]) });
    const timeOf = async (times: number) => {
      const start = performance.now();
      for (let time = 1; time < times; time++) (await products.run({ x })).y.dispose();
      const { y } = await products.run({ x });
      const handedOver = performance.now() - start;
      const { y: number } = await largest.run({ x: y });
      const all = performance.now() - start;
      y.dispose();
      const [bits] = number.data;
      if (!(half ? ((bits ?? 0) & 0x7c00) < 0x7c00 : Number.isFinite(bits) && bits !== 0)) {
        throw new Error(`the largest number of a chain of ${rows} rows is ${bits}`);
      }
      return { all, handedOver };
    };
    let times = 2;
    for (const until = performance.now() + chain.warmUp; performance.now() < until; ) {
      const { all } = await timeOf(times);
      if (all < 60 && times < 64) times *= 2;
    }
    const milliseconds: number[] = [];
    const handingOver: number[] = [];
    while (milliseconds.length < samples) {
      const few = await timeOf(1);
      const many = await timeOf(1 + times);
      milliseconds.push((many.all - few.all) / (times * count));
      handingOver.push((many.handedOver - few.handedOver) / (times * count));
    }
    found.push({ rows, milliseconds, handingOver: median(handingOver) });
  }
  return found;
}
