import { expect, it } from 'vitest';
import { stored } from '../__fixtures__/linear.ts';
import type { ModuleDescription } from '../description.ts';
import { plain } from '../layout.ts';
import type { ModuleSpec } from '../module-spec.ts';
import type { ConcatPart, ModelProgram, MoeOperation, Operation, RopeOperation } from '../program.ts';
import type { KernelSelection } from '../select-kernel.ts';
import { checkProgram } from './check-program.ts';

const vocabSize = 4;
const width = 2;

const vector = (name: string, size: number) => stored(name, 'F32', [size], 'f32', plain('out'));
const matrix = (name: string, outFeatures: number, inFeatures: number) => ({
  outFeatures,
  inFeatures,
  codes: stored(`${name}.weight`, 'F32', [outFeatures, inFeatures], 'f32', plain('out', 'in')),
  scales: [],
});

const described = (module: string) => ({ module, scheme: 'unquantized' });
const linear = (name: string) => ({ kind: 'linear', ...described(name), weight: matrix(name, width, width) }) as const;
const expert = { gate: linear('gate'), up: linear('up'), down: linear('down') };
const projections = { gate: 'gate', up: 'up', down: 'down' };

/** An embedding, a head, and what lies between; four experts, and a bias for three. */
const modules: readonly (readonly [ModuleSpec, ModuleDescription])[] = [
  [
    { kind: 'embedding', name: 'embed', vocabSize, hiddenSize: width },
    { kind: 'embedding', ...described('embed'), weight: matrix('embed', vocabSize, width) },
  ],
  [
    { kind: 'norm', name: 'norm', size: width },
    { kind: 'norm', ...described('norm'), weight: vector('norm.weight', width) },
  ],
  [
    { kind: 'kvCache', name: 'attn', numKvHeads: 1, headSize: width },
    { kind: 'kvCache', ...described('attn'), type: 'f16', numKvHeads: 1, headSize: width },
  ],
  [
    { kind: 'linear', name: 'head', outFeatures: vocabSize, inFeatures: width, hasBias: false, role: 'head' },
    { kind: 'linear', ...described('head'), weight: matrix('head', vocabSize, width) },
  ],
  [
    { kind: 'moe', name: 'experts', numExperts: 4, hiddenSize: width, intermediateSize: width, projections },
    { kind: 'moe', ...described('experts'), experts: [expert, expert, expert, expert] },
  ],
  [
    { kind: 'vector', name: 'bias', size: 3 },
    { kind: 'vector', ...described('bias'), vector: vector('bias', 3) },
  ],
];
const embed: Operation = { kind: 'embedding', module: 'embed', output: 'hidden' };
const head: Operation = { kind: 'logits', module: 'head', input: 'hidden' };

interface Change {
  readonly operations?: readonly Operation[];
  readonly vocabSize?: number;
  readonly descriptions?: ReadonlyMap<string, ModuleDescription>;
  readonly selections?: ReadonlyMap<string, KernelSelection>;
}

function check({ operations = [embed, head], vocabSize: vocabulary = vocabSize, ...rest }: Change): void {
  const program: ModelProgram = {
    modelType: 'test',
    vocabSize: vocabulary,
    contextLength: 8,
    values: { hidden: width, wide: 3 * width, scores: 4 },
    modules: modules.map(([spec]) => spec),
    operations,
  };
  const kernel = { name: 'test', refuse: () => undefined, bytes: () => 0 };
  const weighty = modules.filter(([{ kind }]) => kind !== 'norm' && kind !== 'vector');
  checkProgram({
    program,
    descriptions: new Map(modules.map(([spec, description]) => [spec.name, description])),
    selections: new Map(weighty.map(([{ name }]) => [name, { kernel, refusals: [] }])),
    ...rest,
  });
}

it.each<[string, readonly Operation[]]>([
  ['embedding and head', [embed, head]],
  ['norm, attention and experts', [embed, norm(width), attention(1, 1, width), ...withExperts({ topK: 4 }), head]],
  ['slices put together', [embed, { ...concat({ start: 0, stride: 0, size: 2 }), heads: 3 }, head]],
])('accepts %s', (_, operations) => {
  expect(() => check({ operations })).not.toThrow();
});

it.each<[string, Change, string]>([
  ['no description', { descriptions: new Map() }, 'module embed: expected a description of kind embedding, found none'],
  [
    'another kind',
    { descriptions: replace('embed', modules[1]![1]) },
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
  ['value without width', { operations: [{ ...embed, output: 'x' }] }, 'operation 0 (embedding): value x has no width'],
  ['nothing written', { operations: [head] }, 'operation 0 (logits): reads value hidden, which nothing wrote before'],
  ['width', { operations: [{ ...embed, output: 'wide' }] }, 'operation 0 (embedding): value wide is 6 wide, needs 2'],
  [
    'norm size',
    {
      operations: [embed, norm(1)],
    },
    'operation 1 (rms-norm): a norm of 2 features over runs of 1',
  ],
  [
    'rope heads',
    {
      operations: [embed, rope({ headSize: 3, inverseFrequencies: [1] })],
    },
    'operation 1 (rope): heads of 3 features in a value of 2',
  ],
  [
    'rope frequencies',
    {
      operations: [embed, rope({ headSize: 2, inverseFrequencies: [1, 2] })],
    },
    'operation 1 (rope): 2 frequencies from feature 0 for heads of 2',
  ],
  [
    'rope offset',
    {
      operations: [embed, rope({ headSize: 2, inverseFrequencies: [1], offset: 1 })],
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
    { operations: [embed, ...withExperts({ topK: 3, groups: { count: 2, chosen: 1, score: 'largest' } })] },
    'operation 2 (moe): 3 experts out of 1 of 2 groups of 4 experts',
  ],
  [
    'groups of unequal size',
    { operations: [embed, ...withExperts({ groups: { count: 3, chosen: 3, score: 'largest' } })] },
    'operation 2 (moe): 1 experts out of 3 of 3 groups of 4 experts',
  ],
  [
    'bias of the choice',
    { operations: [embed, ...withExperts({ choiceBias: 'bias' })] },
    'operation 2 (moe): a bias of 3 for 4 experts',
  ],
  [
    'bias of another kind',
    { operations: [embed, ...withExperts({ choiceBias: 'norm' })] },
    'operation 2 (moe): module norm is of kind norm, needs vector',
  ],
  ['table', { vocabSize: 5 }, 'operation 0 (embedding): a table of 4 rows for a vocabulary of 5'],
  ['logits', { vocabSize: 3 }, 'operation 1 (logits): 4 logits for a vocabulary of 3'],
  [
    'heads that do not divide',
    {
      descriptions: replace('attn', { kind: 'kvCache', ...described('attn'), type: 'f16', numKvHeads: 2, headSize: 1 }),
      operations: [embed, attention(3, 2, 1)],
    },
    'operation 1 (attention): 3 heads cannot share 2',
  ],
  [
    'more experts than there are',
    { operations: [embed, ...withExperts({ topK: 5 })] },
    'operation 2 (moe): 5 of 4 experts for each row',
  ],
  [
    'a kind from a later version',
    { operations: [{ kind: 'convolution' } as never] },
    'operation 0 (convolution): convolution is not an operation of this backend',
  ],
])('refuses %s', (_, change, message) => {
  expect(() => check(change)).toThrow(expect.objectContaining({ code: 'PROGRAM', message }));
});

function replace(name: string, other: ModuleDescription) {
  return new Map(modules.map(([spec, description]) => [spec.name, spec.name === name ? other : description]));
}

function norm(size: number) {
  return { kind: 'rms-norm', module: 'norm', input: 'hidden', output: 'hidden', epsilon: 1e-6, size } as const;
}

function rope(change: Pick<RopeOperation, 'headSize' | 'inverseFrequencies' | 'offset'>): RopeOperation {
  return { kind: 'rope', values: ['hidden'], attentionFactor: 1, ...change };
}

function attention(numHeads: number, numKvHeads: number, headSize: number) {
  const names = { cache: 'attn', query: 'hidden', key: 'hidden', value: 'hidden', output: 'hidden' };
  return { kind: 'attention', ...names, numHeads, numKvHeads, headSize, scale: 1 } as const;
}

function concat(part: Omit<ConcatPart, 'input'>) {
  return { kind: 'concat', output: 'wide', heads: 2, parts: [{ input: 'hidden', ...part }] } as const;
}

/** A router, and the experts behind it. */
function withExperts(change: Partial<MoeOperation>): readonly Operation[] {
  return [
    { kind: 'linear', input: 'hidden', parts: [{ module: 'head', output: 'scores' }] },
    {
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
    },
  ];
}
