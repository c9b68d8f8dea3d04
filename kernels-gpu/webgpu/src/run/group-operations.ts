import type {
  AddOperation,
  AttentionOperation,
  LinearOperation,
  LogitsOperation,
  ModelProgram,
  Operation,
  RmsNormOperation,
  RopeOperation,
} from '@lowbit/core';
import { isReadFrom } from './value-uses.ts';

/** Operations that run together, in the order of the program. */
export type OperationGroup =
  | { readonly kind: 'one'; readonly operation: Operation; readonly index: number }
  | NormGroup
  | LinearGroup
  | AttentionGroup;

/** A norm of a value; of `sum = sum + addend` where there is an addend, the sum being its input; of the rows of logits alone. */
export interface NormGroup {
  readonly kind: 'norm';
  readonly norm: RmsNormOperation;
  readonly addend?: string;
  readonly logits?: LogitsOperation;
}

/** A linear whose output is added to another value, in place: `sum = sum + linear(input)`. */
interface LinearGroup {
  readonly kind: 'added linear';
  readonly linear: LinearOperation;
  readonly sum: string;
}

/** Norms of the heads, RoPE and attention. Queries, keys and values are not needed again. */
export interface AttentionGroup {
  readonly kind: 'attention';
  readonly attention: AttentionOperation;
  readonly norms: Readonly<Partial<Record<'query' | 'key', RmsNormOperation>>>;
  readonly rope?: RopeOperation;
  /** How many operations it is made of. */
  readonly length: number;
}

/**
 * Finds operations that a shader can do at once, whatever model they come from: what lies between them must be read by
 * nobody else.
 */
export function groupOperations({ operations }: Pick<ModelProgram, 'operations'>): readonly OperationGroup[] {
  const groups: OperationGroup[] = [];
  for (let index = 0; index < operations.length; ) {
    const [group, length] = groupAt(operations, index);
    groups.push(group);
    index += length;
  }
  return groups;
}

function groupAt(operations: readonly Operation[], index: number): readonly [OperationGroup, length: number] {
  const attention = attentionAt(operations, index);
  if (attention) return [attention, attention.length];
  const norm = normAt(operations, index);
  if (norm) return norm;
  const linear = addedLinearAt(operations, index);
  if (linear) return [linear, 2];
  return [{ kind: 'one', operation: operations[index]!, index }, 1];
}

function normAt(operations: readonly Operation[], index: number): readonly [NormGroup, length: number] | undefined {
  const first = operations[index]!;
  const norm = first.kind === 'add' ? operations[index + 1] : first;
  if (norm?.kind !== 'rms-norm') return undefined;
  const addend = first.kind === 'add' ? addendOf(first, norm) : undefined;
  if (first.kind === 'add' && addend === undefined) return undefined;
  const end = index + (addend === undefined ? 1 : 2);
  const next = operations[end];
  const summed = { kind: 'norm', norm, ...(addend === undefined ? {} : { addend }) } as const;
  // The sum of other rows than those of the logits is never made.
  const forLogits =
    next?.kind === 'logits' &&
    next.input === norm.output &&
    !isReadFrom(operations, end + 1, norm.output) &&
    (addend === undefined || !isReadFrom(operations, end + 1, norm.input));
  return forLogits ? [{ ...summed, logits: next }, end + 1 - index] : [summed, end - index];
}

/** Of `sum = sum + addend`, where the sum is normalized into a third value. */
function addendOf({ left, right, output: sum }: AddOperation, norm: RmsNormOperation): string | undefined {
  const addend = otherThan(sum, left, right);
  return norm.input !== sum || norm.output === sum || norm.output === addend ? undefined : addend;
}

/** The other of two different values, one of which is `one`. */
function otherThan(one: string, left: string, right: string): string | undefined {
  if (left === right) return undefined;
  if (left === one) return right;
  return right === one ? left : undefined;
}

function addedLinearAt(operations: readonly Operation[], index: number): LinearGroup | undefined {
  const linear = operations[index]!;
  const add = operations[index + 1];
  if (linear.kind !== 'linear' || add?.kind !== 'add') return undefined;
  const [part, ...rest] = linear.parts;
  const { left, right, output: sum } = add;
  if (part === undefined || rest.length > 0 || otherThan(sum, left, right) !== part.output) return undefined;
  if (linear.input === sum || isReadFrom(operations, index + 2, part.output)) return undefined;
  return { kind: 'added linear', linear, sum };
}

function attentionAt(operations: readonly Operation[], start: number): AttentionGroup | undefined {
  const norms: RmsNormOperation[] = [];
  let index = start;
  for (; ; index++) {
    const operation = operations[index];
    if (operation?.kind !== 'rms-norm' || operation.input !== operation.output) break;
    norms.push(operation);
  }
  let rope = operations[index];
  if (rope?.kind === 'rope') index++;
  else rope = undefined;
  const attention = operations[index];
  if (attention?.kind !== 'attention') return undefined;

  const { query, key, value, output, headSize } = attention;
  const normOf = (name: string) => norms.find(({ output: normed }) => normed === name);
  const ofQuery = normOf(query);
  const ofKey = normOf(key);
  const fits =
    new Set([query, key, value, output]).size === 4 &&
    norms.every((norm) => norm === ofQuery || norm === ofKey) &&
    norms.every(({ size }) => size === headSize) &&
    (rope === undefined || (rope.headSize === headSize && onlyOnce(rope.values, [query, key]))) &&
    [query, key, value].every((name) => !isReadFrom(operations, index + 1, name));
  if (!fits) return undefined;
  return {
    kind: 'attention',
    attention,
    norms: { ...(ofQuery ? { query: ofQuery } : {}), ...(ofKey ? { key: ofKey } : {}) },
    ...(rope ? { rope } : {}),
    length: index + 1 - start,
  };
}

function onlyOnce(names: readonly string[], allowed: readonly string[]): boolean {
  return new Set(names).size === names.length && names.every((name) => allowed.includes(name));
}
