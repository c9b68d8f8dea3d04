import { ConfigError, type JsonObject, type LinearSpec, RefusedError, TensorError } from '@lowbit/core';
import { describe, expect, it } from 'vitest';
import { describeLinear, linearSpec, type TestTensor, type TestTensors, tensor } from './test-support/checkpoint.ts';

const file = 'quant_model_description.json';
const spec = linearSpec('a', 4, 8);

function moduleOf(type: string, parts: Readonly<Record<string, readonly [TestTensor['dtype'], readonly number[]]>>) {
  return Object.fromEntries(
    Object.entries(parts).map(([suffix, [dtype, shape]]) => [`a.${suffix}`, tensor(dtype, shape, type)]),
  );
}

const tables = { weight_scale: ['F32', [4, 1]], weight_offset: ['F32', [4, 1]] } as const;
const modules = {
  dynamic: moduleOf('W8A8_DYNAMIC', { weight: ['I8', [4, 8]], ...tables }),
  static: moduleOf('W8A8', {
    weight: ['I8', [4, 8]],
    quant_bias: ['I32', [4]],
    input_scale: ['F32', [1]],
    input_offset: ['F32', [1]],
    deq_scale: ['F32', [4]],
  }),
  w8a16: moduleOf('W8A16', { weight: ['I8', [4, 8]], ...tables }),
  w4a16: moduleOf('W4A16', { weight: ['I8', [4, 4]], ...tables }),
  w4a8: moduleOf('W4A8_DYNAMIC', { weight: ['I8', [2, 8]], ...tables, scale_bias: ['F32', [4, 1]] }),
  twoLevels: moduleOf('W4A8_DYNAMIC', {
    weight: ['I8', [4, 8]],
    ...tables,
    weight_scale_second: ['F32', [4, 2]],
    weight_offset_second: ['I64', [4, 2]],
  }),
  w4a4: moduleOf('W4A4_DYNAMIC', { weight: ['I8', [4, 8]], ...tables }),
  fp8: moduleOf('WFP8AFP8_DYNAMIC', { weight: ['F8_E4M3', [4, 8]], ...tables }),
  mxfp8: moduleOf('W8A8_MXFP8', { weight: ['F8_E4M3', [4, 8]], weight_scale: ['U8', [4, 1]] }),
  mxfp4: moduleOf('W4A4_MXFP4', { weight: ['U8', [4, 4]], weight_scale: ['U8', [4, 1]] }),
} satisfies Record<string, TestTensors>;

const kinds = Object.keys(modules) as (keyof typeof modules)[];

it.each(kinds)('%s is right before it is broken', (kind) => {
  expect(describeLinear(spec, modules[kind]).weight).toMatchObject({ outFeatures: 4, inFeatures: 8 });
});

/** The tensor replaced, or with null taken away together with its entry. */
function broken(kind: keyof typeof modules, suffix: string, change: Partial<TestTensor> | null): TestTensors {
  const { [`a.${suffix}`]: old, ...rest }: TestTensors = modules[kind];
  return change === null ? rest : { ...rest, [`a.${suffix}`]: { ...tensor('F32', [4, 1]), ...old, ...change } };
}

describe('tensors', () => {
  it.each<[keyof typeof modules, string, Partial<TestTensor> | null, string]>([
    [
      'dynamic',
      'weight_scale',
      null,
      'tensor a.weight_scale: expected F32 or F16 or BF16 [4, 1], found no such tensor',
    ],
    ['dynamic', 'weight', { dtype: 'F32' }, 'tensor a.weight: expected I8, found F32'],
    ['dynamic', 'weight', { shape: [8, 4] }, 'tensor a.weight: expected [4, 8], found [8, 4]'],
    ['dynamic', 'weight_scale', { shape: [4] }, 'tensor a.weight_scale: expected [4, 1], found [4]'],
    [
      'dynamic',
      'weight_scale',
      { shape: [4, 3] },
      'tensor a.weight_scale: expected [4, 1] or [4, a divisor of 8], found [4, 3]',
    ],
    [
      'dynamic',
      'weight_scale',
      { shape: [4, 0] },
      'tensor a.weight_scale: expected [4, 1] or [4, a divisor of 8], found [4, 0]',
    ],
    ['dynamic', 'weight_scale', { shape: [4, 2] }, 'tensor a.weight_offset: expected [4, 2], found [4, 1]'],
    ['dynamic', 'weight_scale', { dtype: 'I8' }, 'tensor a.weight_scale: expected F32 or F16 or BF16, found I8'],
    ['dynamic', 'left_over', {}, 'tensor a.left_over: expected every tensor to belong to a module'],
    ['static', 'input_scale', null, 'tensor a.input_scale: expected F32 or F16 or BF16 [1], found no such tensor'],
    ['static', 'input_scale', { shape: [8] }, 'tensor a.input_scale: expected [1], found [8]'],
    ['static', 'input_offset', null, 'tensor a.input_offset: expected F32 or F16 or BF16 [1], found no such tensor'],
    ['static', 'quant_bias', null, 'tensor a.quant_bias: expected I32 [4], found no such tensor'],
    ['static', 'quant_bias', { dtype: 'F32' }, 'tensor a.quant_bias: expected I32, found F32'],
    ['static', 'deq_scale', null, 'tensor a.deq_scale: expected F32 or I64 [4], found no such tensor'],
    ['static', 'deq_scale', { dtype: 'BF16' }, 'tensor a.deq_scale: expected F32 or I64, found BF16'],
    ['static', 'deq_scale', { shape: [4, 1] }, 'tensor a.deq_scale: expected [4], found [4, 1]'],
    [
      'w8a16',
      'weight_offset',
      null,
      'tensor a.weight_offset: expected F32 or F16 or BF16 [4, 1], found no such tensor',
    ],
    [
      'w4a16',
      'weight',
      { shape: [4, 5] },
      'tensor a.weight: expected [4, 8] (a code per byte) or [4, 4] (pairs of input features) or [2, 8] (pairs of output features), found [4, 5]',
    ],
    [
      'w4a8',
      'weight',
      { shape: [4, 4] },
      'tensor a.weight: expected [4, 8] (a code per byte) or [2, 8] (pairs of output features), found [4, 4]',
    ],
    ['w4a8', 'weight', null, 'tensor a.weight'],
    ['w4a8', 'weight', { dtype: 'U8' }, 'tensor a.weight: expected I8, found U8'],
    [
      'twoLevels',
      'weight_offset_second',
      { shape: [4, 1] },
      'tensor a.weight_offset_second: expected [4, 2], found [4, 1]',
    ],
    ['twoLevels', 'weight_scale_second', null, 'tensor a.weight_offset_second: expected every tensor to belong'],
    ['twoLevels', 'weight_scale', { shape: [4, 2] }, 'tensor a.weight_scale: expected [4, 1]'],
    [
      'twoLevels',
      'weight_offset',
      { dtype: 'BOOL' },
      'tensor a.weight_offset: expected F32 or F16 or BF16, found BOOL',
    ],
    ['w4a4', 'weight', { shape: [2, 8] }, 'tensor a.weight: expected [4, 8] (a code per byte), found [2, 8]'],
    ['fp8', 'weight', { dtype: 'I8' }, 'tensor a.weight: expected F8_E4M3, found I8'],
    ['fp8', 'weight_scale', { shape: [4, 2] }, 'tensor a.weight_scale: expected [4, 1]'],
    ['mxfp8', 'weight_scale', { shape: [4, 2] }, 'tensor a.weight_scale: expected [4, 1], found [4, 2]'],
    ['mxfp8', 'weight_scale', { dtype: 'F32' }, 'tensor a.weight_scale: expected U8 or F8_E8M0, found F32'],
    ['mxfp4', 'weight', { dtype: 'I8' }, 'tensor a.weight: expected U8, found I8'],
    ['mxfp4', 'weight_scale', null, 'tensor a.weight_scale: expected U8 or F8_E8M0 [4, 1], found no such tensor'],
  ])('%s, %s %j', (kind, suffix, change, message) => {
    const run = () => describeLinear(spec, broken(kind, suffix, change));
    expect(run).toThrow(change === null && suffix === 'weight' ? ConfigError : TensorError);
    expect(run).toThrow(message.replace(/^tensor a\.weight$/, `${file}: a.weight`));
  });

  it.each(kinds)('%s: any tensor that the description lists', (kind) => {
    for (const name of Object.keys(modules[kind])) {
      const { [name]: gone, ...rest }: TestTensors = modules[kind];
      const run = () => describeLinear(spec, rest, { [name]: gone!.type });
      expect(run).toThrow(`tensor ${name}: expected the tensor that ${file} lists, found no such tensor`);
    }
  });

  it('a bias that the description lists, or the architecture has', () => {
    const lists = () => describeLinear(spec, modules.dynamic, { 'a.bias': 'FLOAT' });
    expect(lists).toThrow(`tensor a.bias: expected the tensor that ${file} lists, found no such tensor`);
    const has = () => describeLinear({ ...spec, hasBias: true }, modules.dynamic);
    expect(has).toThrow('tensor a.bias: expected F32 or F16 or BF16 [4], found no such tensor');
  });
});

describe('descriptions', () => {
  const without =
    (fields: JsonObject, module: LinearSpec = spec) =>
    () =>
      describeLinear(module, modules.dynamic, fields);

  it.each<[string, JsonObject, string]>([
    ['an unknown type', { 'a.weight': 'W5A5' }, `${file}: a.weight: expected a type: FLOAT, W16A16S, W8A8, `],
    ['a type of another case', { 'a.weight': 'w8a8' }, 'found "w8a8"'],
    ['a type that is no text', { 'a.weight': 8 }, `${file}: a.weight: expected a type: `],
    ['a type that is absent', { 'b.bias': null }, `${file}: b.bias: expected a type: `],
    ['an unknown type of a module that is not in the model', { 'b.c': 'INT8' }, `${file}: b.c: expected a type: `],
    [
      'a float weight with quantized tables',
      { 'a.weight': 'FLOAT' },
      `${file}: a.weight_scale: expected FLOAT, the type of a.weight, found "W8A8_DYNAMIC"`,
    ],
    [
      'a quantized weight with float tables',
      { 'a.weight_scale': 'FLOAT' },
      `${file}: a.weight_scale: expected W8A8_DYNAMIC, the type of a.weight, found "FLOAT"`,
    ],
    [
      'tables of another type',
      { 'a.weight_offset': 'W8A16' },
      `${file}: a.weight_offset: expected W8A8_DYNAMIC, the type of a.weight, found "W8A16"`,
    ],
    ['a bias of another quantized type', { 'a.bias': 'W8A8' }, `${file}: a.bias: expected W8A8_DYNAMIC`],
    [
      'a type that does not fit the tensors',
      { 'a.weight': 'W8A8_MXFP8', 'a.weight_scale': 'W8A8_MXFP8', 'a.weight_offset': 'W8A8_MXFP8' },
      'tensor a.weight: expected F8_E4M3, found I8',
    ],
  ])('%s', (_, fields, message) => {
    expect(without(fields)).toThrow(message);
  });

  it('a module without an entry', () => {
    const bare = Object.fromEntries(
      Object.entries(modules.dynamic).map(([name, { type: _, ...rest }]) => [name, rest]),
    );
    expect(() => describeLinear(spec, bare)).toThrow(ConfigError);
    expect(() => describeLinear(spec, bare)).toThrow(
      `${file}: a.weight: expected an entry with the type of the module, FLOAT if it was left as it is, found nothing`,
    );
  });

  it('a group size that the shapes contradict', () => {
    const grouped = { ...modules.w8a16, 'a.weight_scale': tensor('F32', [4, 2], 'W8A16') };
    expect(() => describeLinear(spec, grouped, { group_size: 2 })).toThrow(
      'tensor a.weight_scale: expected [4, 1] or [4, 4] (group_size 2), found [4, 2]',
    );
  });

  it('a group size that MX modules set counts for nobody else', () => {
    const grouped: TestTensors = {
      ...modules.w8a16,
      'a.weight_scale': tensor('F32', [4, 2], 'W8A16'),
      'a.weight_offset': tensor('F32', [4, 2], 'W8A16'),
    };
    const { weight } = describeLinear(spec, grouped, { group_size: 32, 'b.weight': 'W4A4_MXFP4' });
    expect(weight.scales[0]?.block).toEqual([1, 4]);
  });

  it('an activation transform that the description does not mention', () => {
    const rotated = { ...modules.dynamic, 'a.heads_rotation': tensor('F32', [2, 2]) };
    expect(() => describeLinear(spec, rotated)).toThrow(RefusedError);
  });
});
