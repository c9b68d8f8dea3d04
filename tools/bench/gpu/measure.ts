/**
 * Times the WebGPU backend on this machine: products of 4-bit matrices beside MatMulNBits of ONNX Runtime's WebGPU
 * provider, and generated models through the runtime. Writes report.json and report.md. `pnpm bench:gpu` bundles it into
 * one file and runs it where its two packages are installed, `webgpu` and `onnxruntime-node`.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Backend, LowbitError, type Numerics } from '@lowbit/core';
import { hardware, software } from '@lowbit/kernels-webgpu';
import { makeCheckpoint, schemes } from '../make-checkpoint.mjs';
import { layerLinears, shapes } from '../shapes.mjs';
import { groupSize, matrixBytes } from './linear-chain.ts';
import { measureChains } from './measure-chains.ts';
import { measured, measureModel } from './measure-model.ts';
import { measureOnnxChain, type OnnxChain } from './onnx-chains.ts';
import { measureReading } from './read-speed.ts';
import { type GpuReport, reportText } from './report.ts';

/** Put there by the bundler. */
declare const bundledCommit: string;

const { values: options } = parseArgs({
  options: {
    output: { type: 'string', default: '.' },
    sizes: { type: 'string', default: '4096,8192' },
    rows: { type: 'string', default: '1,512' },
    shapes: { type: 'string', default: '0.5b,1.1b' },
    scheme: { type: 'string', default: 'w4a16-g128' },
    numerics: { type: 'string', default: 'exact,fast' },
    runs: { type: 'string', default: '9' },
    /** Megabytes of the shorter chain; the longer has four times as many. */
    chain: { type: 'string', default: '240' },
    /** Seconds that the device is kept busy before anything is timed. */
    'warm-up': { type: 'string', default: '6' },
    /** GB/s. */
    'data-sheet': { type: 'string' },
    parts: { type: 'string', default: 'chains,onnx,models' },
    software: { type: 'boolean', default: false },
    /** One chain of ONNX Runtime, in a process of its own. */
    onnx: { type: 'string' },
  },
});
const here = dirname(fileURLToPath(import.meta.url));
const list = (text: string) => text.split(',').filter((one) => one !== '');

if (options.onnx !== undefined) {
  console.log(JSON.stringify(await measureOnnxChain(here, JSON.parse(options.onnx) as OnnxChain)));
} else {
  await main().catch((error) => {
    console.error(error instanceof RangeError || LowbitError.isInstance(error) ? error.message : error);
    process.exit(1);
  });
}
// Dawn's threads would keep the process.
process.exit(0);

async function main(): Promise<void> {
  const backend: Backend = options.software ? software : hardware;
  const probe = await backend.probe();
  if (probe.kind !== 'ready') {
    const { message, hint } = probe.refusal;
    throw new LowbitError({ code: 'NO_GPU', message, ...(hint === undefined ? {} : { remedy: hint }) });
  }
  const { gpu } = probe.device as unknown as { readonly gpu: GPUDevice };
  const sizes = list(options.sizes).map(Number);
  const strange = sizes.find((size) => !(size > 0 && size % groupSize === 0));
  if (strange !== undefined) throw new RangeError(`--sizes are multiples of ${groupSize}, not ${strange}`);
  for (const [given, known] of [
    [list(options.shapes), shapes],
    [[options.scheme], schemes],
  ] as const) {
    const unknown = given.find((name) => !Object.hasOwn(known, name));
    if (unknown !== undefined)
      throw new RangeError(`there is no ${unknown}: choose of ${Object.keys(known).join(', ')}`);
  }
  const rows = list(options.rows).map(Number);
  const samples = Number(options.runs);
  const parts = list(options.parts);
  const warmUp = 1000 * Number(options['warm-up']);
  const chainBytes = 1e6 * Number(options.chain);
  const counts = (size: number) => {
    const few = Math.ceil(chainBytes / matrixBytes(size));
    return [few, 4 * few] as const;
  };

  say('reading');
  const reading: { bytes: number; bytesPerSecond: number }[] = [];
  await measureReading(gpu, chainBytes, 2 * chainBytes, warmUp);
  for (const bytes of [...sizes.map(matrixBytes), 4 * chainBytes]) {
    reading.push({ bytes, bytesPerSecond: await measureReading(gpu, bytes, 4 * chainBytes, warmUp / 10) });
  }

  const chains: GpuReport['chains'][number][] = [];
  if (parts.includes('chains')) {
    for (const size of sizes) {
      for (const numerics of list(options.numerics) as Numerics[]) {
        say(`${counts(size)[1]} matrices of ${size} x ${size}, ${numerics}`);
        const times = await measureChains(backend, size, counts(size), numerics, {
          rows,
          samples,
          warmUp: warmUp / 4,
        });
        chains.push({ size, matrixBytes: matrixBytes(size), count: counts(size)[1], numerics, times });
      }
    }
  }

  const onnx: GpuReport['onnx'][number][] = [];
  if (parts.includes('onnx')) {
    for (const size of sizes) {
      for (const numbers of ['float', 'float16'] as const) {
        for (const accuracyLevel of [0, 4]) {
          const chain = { size, count: counts(size)[0], rows, accuracyLevel, numbers, samples, warmUp: warmUp / 2 };
          say(`ONNX Runtime, ${size} x ${size}, ${numbers}, accuracy level ${accuracyLevel}`);
          onnx.push({ chain, ...onnxChain(chain) });
        }
      }
    }
  }

  const models: GpuReport['models'][number][] = [];
  if (parts.includes('models')) {
    const scheme = options.scheme as keyof typeof schemes;
    for (const name of list(options.shapes)) {
      const shape = shapes[name]!;
      const folder = join(tmpdir(), `lowbit-bench-${name}-${scheme}-${process.pid}`);
      makeCheckpoint(folder, shape, scheme);
      try {
        for (const numerics of list(options.numerics) as Numerics[]) {
          say(`${name}, ${numerics}`);
          const times = await measureModel(backend, folder, numerics, { runs: samples, warmUp: warmUp / 2 });
          const bytesPerToken = times.bytesPerStep ?? leastBytes(shape, schemes[scheme].bitsPerWeight, numerics);
          models.push({ shape: name, scheme, numerics, bytesPerToken, times });
        }
      } finally {
        rmSync(folder, { recursive: true });
      }
    }
  }

  const { vendor, architecture, device, description } = gpu.adapterInfo;
  const report: GpuReport = {
    adapter: { description, vendor, architecture, device, features: [...gpu.features].join(' ') },
    versions: {
      lowbit: bundledCommit,
      node: process.version,
      webgpu: versionOf('webgpu'),
      'onnxruntime-node': versionOf('onnxruntime-node'),
      processor: cpus()[0]?.model.trim() ?? '',
    },
    date: new Date().toISOString().slice(0, 10),
    ...(options['data-sheet'] === undefined ? {} : { dataSheet: 1e9 * Number(options['data-sheet']) }),
    reading,
    chains,
    onnx,
    models,
  };
  mkdirSync(options.output, { recursive: true });
  writeFileSync(join(options.output, 'report.json'), JSON.stringify(report, undefined, 1));
  const text = reportText(report);
  writeFileSync(join(options.output, 'report.md'), text);
  console.log(text);
}

function onnxChain(chain: OnnxChain): Pick<GpuReport['onnx'][number], 'times' | 'error'> {
  try {
    const argv = [fileURLToPath(import.meta.url), '--onnx', JSON.stringify(chain)];
    const text = execFileSync(process.execPath, argv, {
      encoding: 'utf8',
      timeout: 120_000,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return { times: JSON.parse(text) };
  } catch (error) {
    const { stderr, message } = error as Error & { readonly stderr?: string };
    const lines = `${stderr ?? ''}`.split('\n').filter((line) => /error|invalid|not |fail/i.test(line));
    return { times: [], error: (lines.slice(-3).join(' ') || message).slice(0, 600) };
  }
}

/** Of one step: weights but the embedding, and keys and values halfway through the decoding. */
function leastBytes(shape: (typeof shapes)[string], bitsPerWeight: number, numerics: Numerics): number {
  const { hidden, layers, heads, kvHeads, vocabulary } = shape!;
  const linears = layerLinears(shape!).reduce((sum, [, , out, into]) => sum + out * into, 0);
  const numbersOfToken = 2 * (hidden / heads) * kvHeads * layers;
  const cached = measured.context + measured.newTokens / 2;
  return (
    ((layers * linears + vocabulary * hidden) * bitsPerWeight) / 8 +
    numbersOfToken * cached * (numerics === 'fast' ? 2 : 4)
  );
}

function versionOf(name: string): string {
  try {
    return JSON.parse(readFileSync(join(here, 'node_modules', name, 'package.json'), 'utf8')).version;
  } catch {
    return 'missing';
  }
}

function say(text: string): void {
  console.error(`${Math.round(performance.now() / 1000)} s: ${text}`);
}
