import {
  type CompileRequest,
  type KernelSelection,
  type ModelProgram,
  type ModuleDescription,
  type ModuleSpec,
  type Operation,
  plain,
  type TensorRef,
} from '@lowbit/core';
import { expect, it } from 'vitest';
import { dequantizeTable } from './embedding/dequantize.ts';
import { compile } from './executable.ts';
import { paged } from './kv-cache/paged.ts';
import { dequantize } from './linear/dequantize.ts';

const vocabSize = 4;
const width = 2;

function tensor(name: string, shape: readonly number[]) {
  const end = shape.reduce((product, size) => product * size, 4);
  const ref: TensorRef = { name, dtype: 'F32', shape, file: 'model.safetensors', start: 0, end };
  const layout = shape.length === 1 ? plain('out') : plain('out', 'in');
  return { ref, type: 'f32', layout } as const;
}

/** Reads the weight i + 1 for element i. */
const bytes = {
  async read({ end }: TensorRef) {
    return new Uint8Array(Float32Array.from({ length: end / 4 }, (_, i) => i + 1).buffer);
  },
};

function matrix(name: string, outFeatures: number, inFeatures: number) {
  return { outFeatures, inFeatures, codes: tensor(`${name}.weight`, [outFeatures, inFeatures]), scales: [] };
}

const described = (module: string) => ({ module, scheme: 'unquantized' });
const modules: readonly (readonly [ModuleSpec, ModuleDescription])[] = [
  [
    { kind: 'embedding', name: 'embed', vocabSize, hiddenSize: width },
    { kind: 'embedding', ...described('embed'), weight: matrix('embed', vocabSize, width) },
  ],
  [
    { kind: 'norm', name: 'norm', size: width },
    { kind: 'norm', ...described('norm'), weight: tensor('norm.weight', [width]) },
  ],
  [
    { kind: 'kvCache', name: 'attn', numKvHeads: 1, headSize: width },
    { kind: 'kvCache', ...described('attn'), type: 'f16', numKvHeads: 1, headSize: width },
  ],
  [
    { kind: 'linear', name: 'head', outFeatures: vocabSize, inFeatures: width, hasBias: false, role: 'head' },
    { kind: 'linear', ...described('head'), weight: matrix('head', vocabSize, width) },
  ],
];
const embed: Operation = { kind: 'embedding', module: 'embed', output: 'hidden' };
const head: Operation = { kind: 'logits', module: 'head', input: 'hidden' };

function request(
  change: Partial<CompileRequest> & { readonly operations?: readonly Operation[] } = {},
): CompileRequest {
  const { operations = [embed, head], ...rest } = change;
  const program: ModelProgram = {
    modelType: 'test',
    vocabSize,
    contextLength: 8,
    values: { hidden: width },
    modules: modules.map(([spec]) => spec),
    operations,
  };
  const selections = new Map<string, KernelSelection>([
    ['embed', { kernel: dequantizeTable, refusals: [] }],
    ['attn', { kernel: paged, refusals: [] }],
    ['head', { kernel: dequantize, refusals: [] }],
  ]);
  return {
    program,
    descriptions: new Map(modules.map(([spec, description]) => [spec.name, description])),
    selections,
    device: { kind: 'cpu', name: 'test' },
    numerics: 'exact',
    bytes,
    kvCache: { blockSize: 4, blocks: 3 },
    ...rest,
  };
}

const batch = {
  tokenIds: Int32Array.of(2, 0),
  positions: Int32Array.of(0, 1),
  sequences: [{ firstRow: 0, rows: 2, blocks: Int32Array.of(0) }],
  logitRows: Int32Array.of(0, 1),
};

it('walks the operations', async () => {
  const executable = await compile(request());
  // Rows [5, 6] and [1, 2] of the table times the rows [1, 2] [3, 4] [5, 6] [7, 8] of the head.
  expect([...(await executable.run(batch))]).toEqual([17, 39, 61, 83, 5, 11, 17, 23]);
});

it('states its memory to the byte', async () => {
  const { memory } = await compile(request());
  expect(memory.weights).toBe(4 * (vocabSize * width + width + vocabSize * width));
  expect(memory.kvCache).toBe(2 * 4 * width * 4 * 3);
});

it('reports each module and stops between two of them when aborted', async () => {
  const calls: string[] = [];
  await compile(request({ onProgress: (done, total) => calls.push(`${done}/${total}`) }));
  expect(calls).toEqual(['1/4', '2/4', '3/4', '4/4']);

  const controller = new AbortController();
  const reason = new Error('enough');
  let prepared = 0;
  const onProgress = () => {
    prepared++;
    if (prepared === 2) controller.abort(reason);
  };
  await expect(compile(request({ signal: controller.signal, onProgress }))).rejects.toBe(reason);
  expect(prepared).toBe(2);
});

it('runs one batch at a time, and none once closed', async () => {
  const executable = await compile(request());
  const running = executable.run(batch);
  await expect(executable.run(batch)).rejects.toThrow('batch: the executable is running');
  await running;
  await executable.run(batch);
  await executable.close();
  await expect(executable.run(batch)).rejects.toThrow('batch: the executable is closed');
});

it('ends a run that it is closed under', async () => {
  const executable = await compile(request());
  const running = executable.run(batch);
  const ended = expect(running).rejects.toThrow('batch: the executable is closed');
  await executable.close();
  await ended;
});

it('goes on after a batch that was wrong', async () => {
  const executable = await compile(request());
  await expect(executable.run({ ...batch, tokenIds: Int32Array.of(2, 4) })).rejects.toThrow(
    'batch: row 1: token id 4 of a vocabulary of 4',
  );
  expect(await executable.run(batch)).toHaveLength(2 * vocabSize);
});

it('refuses a program that does not fit before a weight is read', async () => {
  const bytes = {
    async read({ name }: TensorRef): Promise<Uint8Array> {
      throw new Error(`${name} was read`);
    },
  };
  await expect(compile(request({ bytes, operations: [head] }))).rejects.toMatchObject({
    code: 'PROGRAM',
    message: 'operation 0 (logits): reads value hidden, which nothing wrote before',
  });
});
