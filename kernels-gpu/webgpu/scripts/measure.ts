/**
 * Measures decoding and prompts of a Llama-like model with random 4-bit weights in groups of 128.
 *
 *   esbuild scripts/measure.ts --bundle --platform=node --format=esm --conditions=@lowbit/source --loader:.wgsl=text \
 *     --external:webgpu --outfile=measure.mjs && node measure.mjs [layers] [hidden] [intermediate]
 */
import {
  type CompileRequest,
  type KernelSelection,
  type LinearDescription,
  type ModelProgram,
  type ModuleDescription,
  type ModuleSpec,
  type Numerics,
  type Operation,
  plain,
  quotient,
  remainder,
  type Stored,
  selectKernelFor,
  type TensorRef,
  whole,
} from '@lowbit/core';
import { hardware, software } from '../src/index.ts';

const [layers = 16, hidden = 4096, intermediate = 14336] = process.argv.slice(2).map(Number);
const headSize = 128;
const numHeads = hidden / headSize;
const numKvHeads = Math.max(1, numHeads / 4);
const vocabSize = 32000;

const random = new Uint8Array(64 * 2 ** 20);
for (let i = 0; i < random.length; i++) random[i] = (Math.imul(i, 2654435761) >>> 13) & 255;

function tensor(name: string, dtype: TensorRef['dtype'], shape: readonly number[], bytes: number): TensorRef {
  return { name, dtype, shape, file: '', start: 0, end: bytes };
}

const read = async ({ dtype, shape, end }: TensorRef): Promise<Uint8Array> => {
  if (dtype === 'I32') return random.subarray(0, end);
  const count = shape.reduce((product, size) => product * size, 1);
  // f16 numbers around 2^-7
  return new Uint8Array(new Uint16Array(count).fill(0x2000).buffer);
};

function fourBits(module: string, outFeatures: number, inFeatures: number): LinearDescription {
  const codes: Stored = {
    ref: tensor(`${module}.codes`, 'I32', [outFeatures, inFeatures / 8], (outFeatures * inFeatures) / 2),
    type: 'i4',
    layout: {
      axes: [[whole('out')], [quotient('in', 8)]],
      packed: { bits: 4, word: 32, fields: [remainder('in', 8)] },
      add: { value: -8, carry: 'field' },
    },
  };
  const shape = [outFeatures, inFeatures / 128];
  const scale = {
    ref: tensor(`${module}.scale`, 'F16', shape, (outFeatures * inFeatures) / 64),
    type: 'f16',
    layout: plain('out', 'in'),
    block: [1, 128],
  } as const;
  return { kind: 'linear', module, scheme: 'w4a16', weight: { outFeatures, inFeatures, codes, scales: [scale] } };
}

const modules: ModuleSpec[] = [];
const operations: Operation[] = [];
const descriptions = new Map<string, ModuleDescription>();
function add(spec: ModuleSpec, description: ModuleDescription): string {
  modules.push(spec);
  descriptions.set(spec.name, description);
  return spec.name;
}
const linear = (name: string, outFeatures: number, inFeatures: number) =>
  add(
    { kind: 'linear', name, outFeatures, inFeatures, hasBias: false, role: 'projection' },
    fourBits(name, outFeatures, inFeatures),
  );
function norm(name: string, input: string, output: string): void {
  const weight: Stored = { ref: tensor(name, 'F16', [hidden], 2 * hidden), type: 'f16', layout: plain('out') };
  add({ kind: 'norm', name, size: hidden }, { kind: 'norm', module: name, scheme: '', weight });
  operations.push({ kind: 'rms-norm', module: name, input, output, epsilon: 1e-5, size: hidden });
}

const table: Stored = { ...fourBits('embed', vocabSize, hidden).weight.codes };
add(
  { kind: 'embedding', name: 'embed', vocabSize, hiddenSize: hidden },
  {
    kind: 'embedding',
    module: 'embed',
    scheme: '',
    weight: { outFeatures: vocabSize, inFeatures: hidden, codes: table, scales: [] },
  },
);
operations.push({ kind: 'embedding', module: 'embed', output: 'hidden' });
for (let layer = 0; layer < layers; layer++) {
  const at = (name: string) => `${layer}.${name}`;
  norm(at('norm1'), 'hidden', 'normed');
  operations.push({
    kind: 'linear',
    input: 'normed',
    parts: [
      { module: linear(at('q'), hidden, hidden), output: 'query' },
      { module: linear(at('k'), numKvHeads * headSize, hidden), output: 'key' },
      { module: linear(at('v'), numKvHeads * headSize, hidden), output: 'value' },
    ],
  });
  const inverseFrequencies = Array.from({ length: headSize / 2 }, (_, j) => 10000 ** (-j / 64));
  operations.push({ kind: 'rope', values: ['query', 'key'], headSize, inverseFrequencies, attentionFactor: 1 });
  const cache = add(
    { kind: 'kvCache', name: at('attention'), numKvHeads, headSize },
    { kind: 'kvCache', module: at('attention'), scheme: '', type: 'f16', numKvHeads, headSize },
  );
  operations.push({
    kind: 'attention',
    cache,
    query: 'query',
    key: 'key',
    value: 'value',
    output: 'attended',
    numHeads,
    numKvHeads,
    headSize,
    scale: headSize ** -0.5,
  });
  operations.push({
    kind: 'linear',
    input: 'attended',
    parts: [{ module: linear(at('o'), hidden, hidden), output: 'update' }],
  });
  operations.push({ kind: 'add', left: 'hidden', right: 'update', output: 'hidden' });
  norm(at('norm2'), 'hidden', 'normed');
  operations.push({
    kind: 'linear',
    input: 'normed',
    parts: [
      { module: linear(at('gate'), intermediate, hidden), output: 'gate' },
      { module: linear(at('up'), intermediate, hidden), output: 'up' },
    ],
  });
  operations.push({ kind: 'silu-mul', gate: 'gate', up: 'up', output: 'activated' });
  operations.push({
    kind: 'linear',
    input: 'activated',
    parts: [{ module: linear(at('down'), hidden, intermediate), output: 'update' }],
  });
  operations.push({ kind: 'add', left: 'hidden', right: 'update', output: 'hidden' });
}
norm('norm', 'hidden', 'normed');
operations.push({ kind: 'logits', module: linear('head', vocabSize, hidden), input: 'normed' });

const values = {
  hidden,
  normed: hidden,
  query: hidden,
  attended: hidden,
  update: hidden,
  key: numKvHeads * headSize,
  value: numKvHeads * headSize,
  gate: intermediate,
  up: intermediate,
  activated: intermediate,
};
const program: ModelProgram = { modelType: 'measured', vocabSize, contextLength: 2048, values, modules, operations };

const probe = await hardware.probe();
const found = probe.kind === 'ready' ? probe : await software.probe();
if (found.kind !== 'ready') throw new Error(found.refusal.message);
const { device } = found;
console.log(device.name);

async function measure(numerics: Numerics): Promise<void> {
  const selections = new Map<string, KernelSelection>();
  for (const [name, description] of descriptions) {
    if (description.kind === 'norm' || description.kind === 'vector') continue;
    selections.set(name, selectKernelFor(hardware.kernels, description, device, numerics));
  }
  const request: CompileRequest<typeof device> = {
    program,
    descriptions,
    selections,
    device,
    numerics,
    bytes: { read },
    kvCache: { blockSize: 16, blocks: 128 },
  };
  const begin = performance.now();
  const executable = await hardware.compile(request);
  const { weights } = executable.memory;
  const seconds = (performance.now() - begin) / 1000;
  console.log(`${numerics}: ${(weights / 2 ** 20).toFixed(0)} MiB of weights loaded in ${seconds.toFixed(2)} s`);
  const blocks = Int32Array.from({ length: 128 }, (_, block) => block);
  const run = (rows: number, start: number) =>
    executable.run({
      tokenIds: new Int32Array(rows).fill(7),
      positions: Int32Array.from({ length: rows }, (_, row) => start + row),
      sequences: [{ firstRow: 0, rows, blocks }],
      logitRows: Int32Array.of(rows - 1),
    });
  for (const rows of [1, 4, 512]) {
    const times: number[] = [];
    const until = performance.now() + (rows === 1 ? 8000 : 3000);
    while (performance.now() < until || times.length < 3) {
      const start = performance.now();
      await run(rows, rows === 512 ? 0 : 512);
      times.push(performance.now() - start);
    }
    const median = times.sort((a, b) => a - b)[Math.floor(times.length / 2)]!;
    const bandwidth = rows === 512 ? '' : `, ${(weights / median / 1e6).toFixed(0)} GB/s`;
    console.log(`  ${rows} rows: ${median.toFixed(2)} ms, ${((1000 * rows) / median).toFixed(1)} tokens/s${bandwidth}`);
  }
  await executable.close();
}

for (const numerics of ['exact', 'fast'] as const) await measure(numerics);
process.exit(0);
