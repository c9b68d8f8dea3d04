import {
  type CompileRequest,
  type ConcatPart,
  type KernelSelection,
  type ModelProgram,
  type ModuleDescription,
  type ModuleSpec,
  type MoeOperation,
  type Operation,
  plain,
  type TensorRef,
} from '@lowbit/core';
import { describe, expect, it } from 'vitest';
import { dequantizeTable } from './embedding/dequantize.ts';
import { compile } from './executable.ts';
import { paged } from './kv-cache/paged.ts';
import { dequantize } from './linear/dequantize.ts';
import { experts } from './moe/experts.ts';

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
    values: { hidden: width, wide: 3 * width },
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

describe('a program that does not fit', () => {
  const without = (name: string) => new Map(request().descriptions).set(name, modules[1]![1]);

  it.each<[string, Parameters<typeof request>[0], string]>([
    [
      'no description',
      { descriptions: new Map() },
      'module embed: expected a description of kind embedding, found none',
    ],
    [
      'another kind',
      { descriptions: without('embed') },
      'module embed: expected a description of kind embedding, found one of kind norm',
    ],
    ['no kernel', { selections: new Map() }, 'module embed: no kernel was selected'],
    [
      'unknown module',
      { operations: [{ ...embed, module: 'nowhere' }] },
      'operation 0 (embedding): module nowhere is not described',
    ],
    [
      'module of another kind',
      { operations: [embed, { ...head, module: 'norm' }] },
      'operation 1 (logits): module norm is of kind norm, needs linear',
    ],
    [
      'value without width',
      { operations: [{ ...embed, output: 'x' }] },
      'operation 0 (embedding): value x has no width',
    ],
    ['nothing written', { operations: [head] }, 'operation 0 (logits): reads value hidden, which nothing wrote before'],
    ['width', { operations: [{ ...embed, output: 'wide' }] }, 'operation 0 (embedding): value wide is 6 wide, needs 2'],
    [
      'norm size',
      {
        operations: [
          embed,
          { kind: 'rms-norm', module: 'norm', input: 'hidden', output: 'hidden', epsilon: 1e-6, size: 1 },
        ],
      },
      'operation 1 (rms-norm): a norm of 2 features over runs of 1',
    ],
    [
      'rope heads',
      {
        operations: [
          embed,
          { kind: 'rope', values: ['hidden'], headSize: 3, inverseFrequencies: [1], attentionFactor: 1 },
        ],
      },
      'operation 1 (rope): heads of 3 features in a value of 2',
    ],
    [
      'rope frequencies',
      {
        operations: [
          embed,
          { kind: 'rope', values: ['hidden'], headSize: 2, inverseFrequencies: [1, 2], attentionFactor: 1 },
        ],
      },
      'operation 1 (rope): 2 frequencies from feature 0 for heads of 2',
    ],
    [
      'rope offset',
      {
        operations: [
          embed,
          { kind: 'rope', values: ['hidden'], headSize: 2, inverseFrequencies: [1], attentionFactor: 1, offset: 1 },
        ],
      },
      'operation 1 (rope): 1 frequencies from feature 1 for heads of 2',
    ],
    [
      'slices past the end',
      { operations: [embed, concat({ start: 1, stride: 1, size: 1 })] },
      'operation 1 (concat): features 1 to 3 of hidden, which is narrower',
    ],
    [
      'a width of slices',
      { operations: [embed, concat({ start: 0, stride: 0, size: 2 })] },
      'operation 1 (concat): value wide is 6 wide, needs 4',
    ],
    [
      'slices into their own value',
      { operations: [embed, { ...concat({ start: 0, stride: 0, size: 1 }), output: 'hidden' }] },
      'operation 1 (concat): hidden is put together from itself',
    ],
    [
      'cache of values',
      { operations: [embed, { ...attention(1, 1, 2), valueHeadSize: 1 }] },
      'operation 1 (attention): a cache of values with heads of 2, needs 1',
    ],
    [
      'cache',
      { operations: [embed, attention(2, 2, 1)] },
      'operation 1 (attention): a cache of 1 heads of 2, needs 2 of 1',
    ],
    [
      'experts and groups',
      withExperts({ topK: 3, groups: { count: 2, chosen: 1, score: 'largest' } }),
      'operation 2 (moe): 3 experts out of 1 of 2 groups of 4 experts',
    ],
    [
      'groups of unequal size',
      withExperts({ groups: { count: 3, chosen: 3, score: 'largest' } }),
      'operation 2 (moe): 1 experts out of 3 of 3 groups of 4 experts',
    ],
    ['bias of the choice', withExperts({ choiceBias: 'bias' }), 'operation 2 (moe): a bias of 3 for 4 experts'],
    [
      'bias of another kind',
      withExperts({ choiceBias: 'norm' }),
      'operation 2 (moe): module norm is of kind norm, needs vector',
    ],
    ['table', tooLarge(5), 'operation 0 (embedding): a table of 4 rows for a vocabulary of 5'],
    ['logits', tooLarge(3), 'operation 1 (logits): 4 logits for a vocabulary of 3'],
  ])('%s', async (_, change, message) => {
    await expect(compile(request(change))).rejects.toMatchObject({ code: 'PROGRAM', message });
  });

  function attention(numHeads: number, numKvHeads: number, headSize: number) {
    const names = { cache: 'attn', query: 'hidden', key: 'hidden', value: 'hidden', output: 'hidden' };
    return { kind: 'attention', ...names, numHeads, numKvHeads, headSize, scale: 1 } as const;
  }

  function concat(part: Omit<ConcatPart, 'input'>) {
    return { kind: 'concat', output: 'wide', heads: 2, parts: [{ input: 'hidden', ...part }] } as const;
  }

  /** Four experts behind a router, and a bias for three. */
  function withExperts(change: Partial<MoeOperation>) {
    const linear = (name: string) =>
      ({ kind: 'linear', ...described(name), weight: matrix(name, width, width) }) as const;
    const projections = { gate: 'gate', up: 'up', down: 'down' };
    const expert = { gate: linear('gate'), up: linear('up'), down: linear('down') };
    const moe: Operation = {
      kind: 'moe',
      module: 'experts',
      input: 'hidden',
      routerLogits: 'scores',
      output: 'hidden',
      topK: 1,
      scoring: 'softmax',
      normalize: false,
      scale: 1,
      ...change,
    };
    const plan = request();
    const program: ModelProgram = {
      ...plan.program,
      values: { hidden: width, scores: 4 },
      modules: [
        ...plan.program.modules,
        { kind: 'moe', name: 'experts', numExperts: 4, hiddenSize: width, intermediateSize: width, projections },
        { kind: 'vector', name: 'bias', size: 3 },
      ],
      operations: [embed, { kind: 'linear', input: 'hidden', parts: [{ module: 'head', output: 'scores' }] }, moe],
    };
    const descriptions = new Map<string, ModuleDescription>([
      ...plan.descriptions,
      ['experts', { kind: 'moe', ...described('experts'), experts: [expert, expert, expert, expert] }],
      ['bias', { kind: 'vector', ...described('bias'), vector: tensor('bias', [3]) }],
    ]);
    const selections = new Map([...plan.selections, ['experts', { kernel: experts, refusals: [] }]]);
    return { program, descriptions, selections };
  }

  function tooLarge(size: number) {
    return { program: { ...request().program, vocabSize: size } };
  }
});
