import type { AttentionOperation, Operation, RmsNormOperation, RopeOperation } from '@lowbit/core';
import { expect, it } from 'vitest';
import { groupOperations } from './group-operations.ts';

const norm = (input: string, output: string, size = 8): RmsNormOperation => ({
  kind: 'rms-norm',
  module: `norm of ${input}`,
  input,
  output,
  epsilon: 1e-5,
  size,
});
const add = (left: string, right: string, output: string): Operation => ({ kind: 'add', left, right, output });
const linear = (input: string, ...outputs: readonly string[]): Operation => ({
  kind: 'linear',
  input,
  parts: outputs.map((output) => ({ module: `to ${output}`, output })),
});
const logits = (input: string): Operation => ({ kind: 'logits', module: 'head', input });
const rope = (...values: readonly string[]): RopeOperation => ({
  kind: 'rope',
  values,
  headSize: 4,
  inverseFrequencies: [1, 0.5],
  attentionFactor: 1,
});
const attention: AttentionOperation = {
  kind: 'attention',
  cache: 'cache',
  query: 'query',
  key: 'key',
  value: 'value',
  output: 'attended',
  numHeads: 2,
  numKvHeads: 1,
  headSize: 4,
  scale: 0.5,
};

/** What becomes of operations: the kinds of each group. */
function grouped(...operations: readonly Operation[]): readonly string[] {
  return groupOperations({ operations }).map((group) => {
    if (group.kind === 'one') return group.operation.kind;
    if (group.kind === 'norm')
      return ['norm', group.addend && 'sum', group.logits && 'logits'].filter(Boolean).join('+');
    if (group.kind === 'added linear') return 'linear+add';
    const { norms, rope: turn } = group;
    return [norms.query && 'query norm', norms.key && 'key norm', turn && 'rope', 'attention']
      .filter(Boolean)
      .join('+');
  });
}

it('finds what a layer does at once', () => {
  expect(
    grouped(
      norm('hidden', 'normed'),
      linear('normed', 'query', 'key', 'value'),
      norm('query', 'query', 4),
      norm('key', 'key', 4),
      rope('query', 'key'),
      attention,
      linear('attended', 'update'),
      add('hidden', 'update', 'hidden'),
      norm('hidden', 'normed'),
      { kind: 'moe', module: 'experts', input: 'normed', routerLogits: 'scores', output: 'update' } as Operation,
      add('update', 'hidden', 'hidden'),
      norm('hidden', 'normed'),
      logits('normed'),
    ),
  ).toEqual(['norm', 'linear', 'query norm+key norm+rope+attention', 'linear+add', 'norm', 'moe', 'norm+sum+logits']);
});

it('keeps the members of a group', () => {
  const [group] = groupOperations({ operations: [norm('key', 'key', 4), rope('key'), attention] });
  expect(group).toEqual({
    kind: 'attention',
    attention,
    norms: { key: norm('key', 'key', 4) },
    rope: rope('key'),
    length: 3,
  });
});

it.for<[why: string, operations: readonly Operation[], groups: readonly string[]]>([
  ['heads that are read later', [rope('query'), attention, add('query', 'key', 'x')], ['rope', 'attention', 'add']],
  ['heads of another size', [norm('query', 'query', 8), attention], ['norm', 'attention']],
  ['what turns something else too', [rope('query', 'other'), attention], ['rope', 'attention']],
  ['queries that are keys', [rope('query'), { ...attention, key: 'query' }], ['rope', 'attention']],
  ['an output in place', [rope('query'), { ...attention, output: 'query' }], ['rope', 'attention']],
  ['a sum of two others', [add('a', 'b', 'c'), norm('c', 'd')], ['add', 'norm']],
  ['a value added to itself', [add('a', 'a', 'a'), norm('a', 'd')], ['add', 'norm']],
  ['a sum that the norm replaces', [add('a', 'b', 'a'), norm('a', 'a')], ['add', 'norm']],
  ['an output that is read later', [linear('x', 'y'), add('z', 'y', 'z'), logits('y')], ['linear', 'add', 'logits']],
  ['the sum of its own input', [linear('x', 'y'), add('x', 'y', 'x')], ['linear', 'add']],
  ['two outputs', [linear('x', 'y', 'w'), add('z', 'y', 'z')], ['linear', 'add']],
  ['logits of what others read', [norm('a', 'b'), logits('b'), linear('b', 'c')], ['norm', 'logits', 'linear']],
  [
    'logits of a sum that others read',
    [add('a', 'b', 'a'), norm('a', 'c'), logits('c'), logits('a')],
    ['norm+sum', 'logits', 'logits'],
  ],
])('leaves alone %s', ([, operations, groups]) => {
  expect(grouped(...operations)).toEqual(groups);
});

it('takes a value that is written anew for another', () => {
  const again = linear('x', 'query', 'key', 'value');
  expect(grouped(rope('query', 'key'), attention, again, attention)).toEqual(['rope+attention', 'linear', 'attention']);
});
