import {
  type ElementType,
  type KvCacheDescription,
  type LinearDescription,
  type LinearSpec,
  type ModelProgram,
  type ModuleDescription,
  type ModuleSpec,
  type MoeSpec,
  type Operation,
  plain,
  type QuantizedWeight,
} from '@lowbit/core';
import { createRandom } from '../random.ts';
import { type SyntheticTensor, syntheticTensor } from '../synthetic-tensor.ts';
import { syntheticWeight } from '../synthetic-weight.ts';
import type { CaseOptions } from './weight-forms.ts';

/** A program with random weights, all there is to compile it. */
export interface SyntheticProgram {
  readonly program: ModelProgram;
  readonly descriptions: ReadonlyMap<string, ModuleDescription>;
  readonly tensors: readonly SyntheticTensor[];
}

/** Adds modules and operations; every method that makes a value returns its name. */
export interface ProgramBuilder {
  value(name: string, width: number): string;
  operation(operation: Operation): void;
  embedding(output: string, width: number): string;
  norm(module: string, size: number): string;
  /** Random f32 weights in -1..1 over the root of `inFeatures`, with a bias; or a weight in the given form, without. */
  linear(module: string, outFeatures: number, inFeatures: number, form?: CaseOptions): string;
  /** A linear that is described already. */
  described(description: LinearDescription, tensors: readonly SyntheticTensor[], role?: LinearSpec['role']): string;
  /** Random numbers in -1..1. */
  vector(module: string, size: number): string;
  /** Unquantized experts without biases. */
  experts(module: string, sizes: ExpertSizes): string;
  cache(module: string, heads: CacheHeads, type?: KvCacheDescription['type']): string;
  /** Logits that are the value itself: `width` must be the size of the vocabulary. */
  valueAsLogits(input: string): void;
}

type ExpertSizes = Pick<MoeSpec, 'numExperts' | 'hiddenSize' | 'intermediateSize'>;
type CacheHeads = Pick<KvCacheDescription, 'numKvHeads' | 'headSize' | 'valueHeadSize'>;

export function syntheticProgram(
  options: { readonly vocabSize: number; readonly contextLength: number },
  build: (builder: ProgramBuilder) => void,
): SyntheticProgram {
  const { vocabSize } = options;
  const values: Record<string, number> = {};
  const modules: ModuleSpec[] = [];
  const operations: Operation[] = [];
  const descriptions = new Map<string, ModuleDescription>();
  const tensors: SyntheticTensor[] = [];
  let seed = 0;

  const random = (length: number) => createRandom(++seed).floats(length);
  const vector = (name: string, numbers: Float32Array) => {
    const form = { type: 'f32', dtype: 'F32', shape: [numbers.length], layout: plain('out') } as const;
    const { stored, ...tensor } = syntheticTensor(name, form, [['out', numbers.length]], numbers);
    tensors.push(tensor);
    return stored;
  };
  const matrix = (name: string, rows: number, cols: number, numbers: Float32Array): QuantizedWeight => {
    const form = { type: 'f32', dtype: 'F32', shape: [rows, cols], layout: plain('out', 'in') } as const;
    const extents = [['out', rows] as const, ['in', cols] as const];
    const { stored, ...tensor } = syntheticTensor(name, form, extents, numbers);
    tensors.push(tensor);
    return { outFeatures: rows, inFeatures: cols, codes: stored, scales: [] };
  };
  const add = (spec: ModuleSpec, description: ModuleDescription) => {
    modules.push(spec);
    descriptions.set(spec.name, description);
    return spec.name;
  };
  const described = (module: string) => ({ module, scheme: 'synthetic' });

  const builder: ProgramBuilder = {
    value(name, width) {
      values[name] = width;
      return name;
    },
    operation: (operation) => operations.push(operation),
    embedding(output, width) {
      const name = 'embedding';
      const weight = matrix(`${name}.weight`, vocabSize, width, random(vocabSize * width));
      add({ kind: 'embedding', name, vocabSize, hiddenSize: width }, { kind: 'embedding', ...described(name), weight });
      operations.push({ kind: 'embedding', module: name, output: builder.value(output, width) });
      return output;
    },
    norm(module, size) {
      const weight = vector(`${module}.weight`, random(size));
      return add({ kind: 'norm', name: module, size }, { kind: 'norm', ...described(module), weight });
    },
    linear(module, outFeatures, inFeatures, form) {
      const spec = {
        kind: 'linear',
        name: module,
        outFeatures,
        inFeatures,
        hasBias: !form,
        role: 'projection',
      } as const;
      if (form) {
        const { weight, tensors: stored } = syntheticWeight({ ...form, name: module, seed: ++seed });
        tensors.push(...stored);
        return add(spec, { kind: 'linear', ...described(module), weight });
      }
      const numbers = random(outFeatures * inFeatures).map((number) => number / Math.sqrt(inFeatures));
      const weight = matrix(`${module}.weight`, outFeatures, inFeatures, numbers);
      const bias = vector(`${module}.bias`, random(outFeatures));
      return add(spec, { kind: 'linear', ...described(module), weight, bias });
    },
    described(description, stored, role = 'projection') {
      const { module: name, weight, bias } = description;
      const { outFeatures, inFeatures } = weight;
      tensors.push(...stored);
      return add({ kind: 'linear', name, outFeatures, inFeatures, hasBias: bias !== undefined, role }, description);
    },
    vector(module, size) {
      const numbers = vector(module, random(size));
      return add({ kind: 'vector', name: module, size }, { kind: 'vector', ...described(module), vector: numbers });
    },
    experts(module, { numExperts, hiddenSize, intermediateSize }) {
      const linear = (name: string, rows: number, cols: number): LinearDescription => {
        const numbers = random(rows * cols).map((number) => number / Math.sqrt(cols));
        return { kind: 'linear', ...described(name), weight: matrix(`${name}.weight`, rows, cols, numbers) };
      };
      const experts = Array.from({ length: numExperts }, (_, expert) => ({
        gate: linear(`${module}.${expert}.gate_proj`, intermediateSize, hiddenSize),
        up: linear(`${module}.${expert}.up_proj`, intermediateSize, hiddenSize),
        down: linear(`${module}.${expert}.down_proj`, hiddenSize, intermediateSize),
      }));
      const projections = { gate: 'gate_proj', up: 'up_proj', down: 'down_proj' };
      const spec = { kind: 'moe', name: module, numExperts, hiddenSize, intermediateSize, projections } as const;
      return add(spec, { kind: 'moe', ...described(module), experts });
    },
    cache(module, heads, type: ElementType = 'f32') {
      const spec = { kind: 'kvCache', name: module, ...heads } as const;
      return add(spec, { kind: 'kvCache', ...described(module), type, ...heads });
    },
    valueAsLogits(input) {
      const name = 'head';
      const identity = new Float32Array(vocabSize ** 2);
      for (let i = 0; i < vocabSize; i++) identity[i * vocabSize + i] = 1;
      const weight = matrix(`${name}.weight`, vocabSize, vocabSize, identity);
      add(
        { kind: 'linear', name, outFeatures: vocabSize, inFeatures: vocabSize, hasBias: false, role: 'head' },
        { kind: 'linear', ...described(name), weight },
      );
      operations.push({ kind: 'logits', module: name, input });
    },
  };
  build(builder);
  return { program: { modelType: 'synthetic', ...options, values, modules, operations }, descriptions, tensors };
}
