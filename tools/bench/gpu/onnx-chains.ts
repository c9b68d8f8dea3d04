import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
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
  /**
   * Milliseconds of one product's kernels by the provider's own clock on the device, without what lies between them.
   * Absent where its profile names none.
   */
  readonly kernels?: number;
}

interface Tensor {
  readonly data: Float32Array | Uint16Array;
  dispose(): void;
}

interface Session {
  run(feeds: object): Promise<{ readonly y: Tensor }>;
  endProfiling(): void;
  release(): Promise<void>;
}

interface OnnxRuntime {
  readonly InferenceSession: { create(model: Buffer, options: object): Promise<Session> };
  readonly Tensor: new (type: string, data: Float32Array | Uint16Array, dims: readonly number[]) => Tensor;
}

/**
 * Times a chain of MatMulNBits on the WebGPU provider of the onnxruntime-node in `folder`. Inputs and outputs stay on the
 * device; one number is read at the end. What a few chains take less than many is left out: handing over, waiting, reading.
 */
export async function measureOnnxChain(folder: string, chain: OnnxChain): Promise<readonly OnnxChainTimes[]> {
  const { size, count, accuracyLevel, numbers, samples } = chain;
  const { InferenceSession, Tensor }: OnnxRuntime = createRequire(join(folder, 'package.json'))('onnxruntime-node');
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
  const onDevice = { executionProviders, preferredOutputLocation: 'gpu-buffer' };
  const products = await InferenceSession.create(model, onDevice);
  const largest = await InferenceSession.create(largestNumber({ size, numbers }), { executionProviders });

  const input = (rows: number) => {
    const length = rows * size;
    const data = half ? new Uint16Array(length).fill(0x3800) : Float32Array.from({ length }, () => Math.random() - 0.5);
    return new Tensor(half ? 'float16' : 'float32', data, [rows, size]);
  };

  const found: OnnxChainTimes[] = [];
  for (const rows of chain.rows) {
    const { y: x } = await products.run({ x: input(rows) });
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
    const profileFilePrefix = join(tmpdir(), `lowbit-onnx-${process.pid}-${rows}`);
    const profiled = await InferenceSession.create(model, { ...onDevice, enableProfiling: true, profileFilePrefix });
    let runs = 0;
    for (const until = performance.now() + chain.warmUp / 3; runs < 6 || performance.now() < until; runs++) {
      const { y } = await profiled.run({ x: input(rows) });
      await largest.run({ x: y });
      y.dispose();
    }
    profiled.endProfiling();
    await profiled.release();
    const kernels = readKernels(profileFilePrefix, runs);
    found.push({
      rows,
      milliseconds,
      handingOver: median(handingOver),
      ...(kernels === undefined ? {} : { kernels: kernels / count }),
    });
  }
  return found;
}

/** Milliseconds of the kernels of one run, the median of the later half of the runs, from the profile, which is removed. */
function readKernels(prefix: string, runs: number): number | undefined {
  const name = readdirSync(dirname(prefix)).find((one) => one.startsWith(basename(prefix)));
  if (name === undefined) return undefined;
  const file = join(dirname(prefix), name);
  const events = (JSON.parse(readFileSync(file, 'utf8')) as readonly ProfileEvent[])
    .filter(({ cat }) => cat === 'Api')
    .sort((a, b) => a.ts - b.ts);
  rmSync(file);
  const each = events.length / runs;
  if (!(Number.isInteger(each) && each > 0)) return undefined;
  const sums = Array.from({ length: runs }, (_, run) =>
    events.slice(run * each, (run + 1) * each).reduce((sum, { dur }) => sum + dur, 0),
  );
  return median(sums.slice(runs >> 1)) / 1000;
}

/** Of a profile; microseconds. */
interface ProfileEvent {
  readonly cat: string;
  readonly ts: number;
  readonly dur: number;
}
