import {
  type CompileRequest,
  type ElementType,
  type KernelSelection,
  type LinearDescription,
  type ModuleDescription,
  type ModuleSpec,
  type Operation,
  plain,
  selectKernelFor,
} from '@lowbit/core';
import { memoryBytes, type SyntheticTensor, syntheticTensor } from '@lowbit/testkit';
import type { WebgpuDevice } from '../device/webgpu-device.ts';
import { software } from '../webgpu-backend.ts';

interface SmallDecoderOptions {
  readonly layers: number;
  /** Experts of a layer instead of one MLP. */
  readonly experts?: number;
  readonly headNorms?: boolean;
  readonly cache?: ElementType;
  readonly slidingWindow?: number;
  readonly headSize?: number;
}

export const vocabSize = 24;
const hidden = 32;
const numHeads = 4;
const numKvHeads = 2;
const intermediate = 48;

/** A decoder of the Llama family with f32 weights, whose context is as long as its cache: 1024 tokens. */
export function smallDecoder(device: WebgpuDevice, options: SmallDecoderOptions): CompileRequest<WebgpuDevice> {
  const { layers, experts = 0, headNorms = false, cache: type = 'f32', slidingWindow, headSize = 16 } = options;
  const modules: ModuleSpec[] = [];
  const descriptions = new Map<string, ModuleDescription>();
  const tensors: SyntheticTensor[] = [];
  const operations: Operation[] = [];
  let seed = 0;
  const numbers = (count: number, scale: number) =>
    Array.from({ length: count }, () => Math.sin(1e4 * Math.sin(++seed)) * scale);
  const add = (spec: ModuleSpec, description: ModuleDescription) => {
    modules.push(spec);
    descriptions.set(spec.name, description);
    return spec.name;
  };
  const matrix = (name: string, outFeatures: number, inFeatures: number) => {
    const form = { type: 'f32', dtype: 'F32', shape: [outFeatures, inFeatures], layout: plain('out', 'in') } as const;
    const extents = [['out', outFeatures] as const, ['in', inFeatures] as const];
    const { stored, ...tensor } = syntheticTensor(name, form, extents, numbers(outFeatures * inFeatures, 0.3));
    tensors.push(tensor);
    return { outFeatures, inFeatures, codes: stored, scales: [] };
  };
  const described = (name: string, outFeatures: number, inFeatures: number): LinearDescription => ({
    kind: 'linear',
    module: name,
    scheme: '',
    weight: matrix(name, outFeatures, inFeatures),
  });
  const linear = (name: string, outFeatures: number, inFeatures: number) =>
    add(
      { kind: 'linear', name, outFeatures, inFeatures, hasBias: false, role: 'projection' },
      described(name, outFeatures, inFeatures),
    );
  const norm = (name: string, input: string, output: string, size: number) => {
    const form = { type: 'f32', dtype: 'F32', shape: [size], layout: plain('out') } as const;
    const { stored, ...tensor } = syntheticTensor(name, form, [['out', size]], numbers(size, 1));
    tensors.push(tensor);
    const module = add({ kind: 'norm', name, size }, { kind: 'norm', module: name, scheme: '', weight: stored });
    operations.push({ kind: 'rms-norm', module, input, output, epsilon: 1e-5, size });
  };
  const project = (input: string, parts: readonly (readonly [module: string, output: string])[]) =>
    operations.push({ kind: 'linear', input, parts: parts.map(([module, output]) => ({ module, output })) });

  const queryWidth = numHeads * headSize;
  const keyWidth = numKvHeads * headSize;
  add(
    { kind: 'embedding', name: 'embed', vocabSize, hiddenSize: hidden },
    { kind: 'embedding', module: 'embed', scheme: '', weight: matrix('embed', vocabSize, hidden) },
  );
  operations.push({ kind: 'embedding', module: 'embed', output: 'hidden' });
  for (let layer = 0; layer < layers; layer++) {
    const at = (name: string) => `${layer}.${name}`;
    norm(at('norm1'), 'hidden', 'normed', hidden);
    project('normed', [
      [linear(at('q'), queryWidth, hidden), 'query'],
      [linear(at('k'), keyWidth, hidden), 'key'],
      [linear(at('v'), keyWidth, hidden), 'value'],
    ]);
    if (headNorms) {
      norm(at('qNorm'), 'query', 'query', headSize);
      norm(at('kNorm'), 'key', 'key', headSize);
    }
    const inverseFrequencies = Array.from({ length: headSize / 2 }, (_, j) => 100 ** (-j / (headSize / 2)));
    operations.push({ kind: 'rope', values: ['query', 'key'], headSize, inverseFrequencies, attentionFactor: 1 });
    const cache = { name: at('attention'), numKvHeads, headSize };
    operations.push({
      kind: 'attention',
      cache: add({ kind: 'kvCache', ...cache }, { kind: 'kvCache', module: cache.name, scheme: '', type, ...cache }),
      query: 'query',
      key: 'key',
      value: 'value',
      output: 'attended',
      numHeads,
      numKvHeads,
      headSize,
      scale: headSize ** -0.5,
      ...(slidingWindow === undefined ? {} : { slidingWindow }),
    });
    project('attended', [[linear(at('o'), hidden, queryWidth), 'update']]);
    operations.push({ kind: 'add', left: 'hidden', right: 'update', output: 'hidden' });
    norm(at('norm2'), 'hidden', 'normed', hidden);
    if (experts > 0) {
      project('normed', [[linear(at('router'), experts, hidden), 'scores']]);
      const sizes = { numExperts: experts, hiddenSize: hidden, intermediateSize: intermediate };
      const projections = { gate: 'gate', up: 'up', down: 'down' };
      const all = Array.from({ length: experts }, (_, index) => ({
        gate: described(at(`${index}.gate`), intermediate, hidden),
        up: described(at(`${index}.up`), intermediate, hidden),
        down: described(at(`${index}.down`), hidden, intermediate),
      }));
      operations.push({
        kind: 'moe',
        module: add(
          { kind: 'moe', name: at('experts'), ...sizes, projections },
          { kind: 'moe', module: at('experts'), scheme: '', experts: all },
        ),
        input: 'normed',
        routerLogits: 'scores',
        output: 'update',
        topK: 2,
        scoring: 'softmax',
        normalize: true,
        scale: 1,
      });
    } else {
      project('normed', [
        [linear(at('gate'), intermediate, hidden), 'gate'],
        [linear(at('up'), intermediate, hidden), 'up'],
      ]);
      operations.push({ kind: 'silu-mul', gate: 'gate', up: 'up', output: 'gate' });
      project('gate', [[linear(at('down'), hidden, intermediate), 'update']]);
    }
    operations.push({ kind: 'add', left: 'hidden', right: 'update', output: 'hidden' });
  }
  norm('norm', 'hidden', 'normed', hidden);
  operations.push({ kind: 'logits', module: linear('head', vocabSize, hidden), input: 'normed' });

  const selections = new Map<string, KernelSelection>();
  for (const [name, description] of descriptions) {
    if (description.kind === 'norm' || description.kind === 'vector') continue;
    selections.set(name, selectKernelFor(software.kernels, description, device, 'exact'));
  }
  const values = {
    hidden,
    normed: hidden,
    update: hidden,
    query: queryWidth,
    attended: queryWidth,
    key: keyWidth,
    value: keyWidth,
    gate: intermediate,
    up: intermediate,
    ...(experts > 0 ? { scores: experts } : {}),
  };
  return {
    program: { modelType: 'small', vocabSize, contextLength: 1024, values, modules, operations },
    descriptions,
    selections,
    device,
    numerics: 'exact',
    bytes: memoryBytes(tensors),
    kvCache: { blockSize: 16, blocks: 128 },
  };
}

/** Rows of one sequence: `count` tokens from position `start` on, in the even blocks of the cache or in the odd ones. */
interface SmallRows {
  readonly start: number;
  readonly count: number;
  readonly odd?: boolean;
}

/** Sequences one after the other; every token depends on its position alone. Logits of the last row of each. */
export function smallBatch(sequences: readonly SmallRows[]) {
  const positions = sequences.flatMap(({ start, count }) => Array.from({ length: count }, (_, row) => start + row));
  let firstRow = 0;
  const logitRows: number[] = [];
  const rows = sequences.map(({ count, odd = false }) => {
    const sequence = {
      firstRow,
      rows: count,
      blocks: Int32Array.from({ length: 64 }, (_, block) => ((14 * block) % 128) + Number(odd)),
    };
    firstRow += count;
    logitRows.push(firstRow - 1);
    return sequence;
  });
  return {
    tokenIds: Int32Array.from(positions, (position) => (position * position + 3 * position) % vocabSize),
    positions: Int32Array.from(positions),
    sequences: rows,
    logitRows: Int32Array.from(logitRows),
  };
}
