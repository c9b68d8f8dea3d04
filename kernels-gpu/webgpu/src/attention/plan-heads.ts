/// <reference types="@webgpu/types" />
import type { Counts, DispatchSpec } from '../gpu/dispatch.ts';
import { unroll } from '../gpu/unroll.ts';
import { turnSizes, turnsOf } from '../ops/rope.ts';
import type { Plan } from '../run/plan.ts';
import attend from './attend.wgsl';
import { type AttentionShape, headRooms, keySteps } from './attention-shape.ts';
import head from './head.wgsl';
import place from './place.wgsl';
import type { HeadPreparation, Preparation } from './preparation.ts';

/** Whether attend.wgsl has a binding left for each thing that it needs to take the row's own heads. */
export function canBeFresh({ cache }: AttentionShape): boolean {
  return cache.quantities === undefined;
}

/** Whether a run takes that way, where there is one. */
export function isFresh({ attention }: Counts): boolean {
  return attention?.alone === true && attention.stretches === 1;
}

/** Queries, keys and values made ready, the latter two in the cache. */
export function planPlace(plan: Plan, shape: AttentionShape, preparation: Preparation, fresh: boolean): void {
  const { numHeads, numKvHeads } = shape;
  const { query } = preparation;
  const querySlots = query.norm || query.turned ? numHeads : 0;
  const spec = headShader(plan, shape, preparation);
  plan.add({
    ...spec,
    label: 'place heads',
    source: [spec.source, place].join('\n'),
    sizes: { ...spec.sizes, QUERY_SLOTS: querySlots },
    bindings: { ...spec.bindings, query: { buffer: shape.values.query, type: 'f32', access: 'write' } },
    workgroups: (counts) => (fresh && isFresh(counts) ? [0] : [querySlots + 2 * numKvHeads, counts.rows]),
  });
}

/** That and attention in one, for rows that are the only ones of their sequences. */
export function planFresh(plan: Plan, shape: AttentionShape, preparation: Preparation): void {
  const spec = headShader(plan, shape, preparation);
  plan.add({
    ...spec,
    label: 'attention of fresh heads',
    source: [spec.source, unroll(attend, { FRESH: 1, PLACED: 0, KEY_STEPS: keySteps(shape.headSize) })].join('\n'),
    constants: { ...spec.constants, ...headRooms(shape) },
    bindings: {
      ...spec.bindings,
      query: { buffer: shape.values.query, type: 'f32' },
      output: { buffer: shape.values.output, type: 'f32', access: 'write' },
    },
    workgroups: (counts) => (isFresh(counts) ? [shape.numHeads, counts.rows] : [0]),
  });
}

/** head.wgsl and all that it needs but the query. */
function headShader(plan: Plan, shape: AttentionShape, { query, key, rope }: Preparation) {
  const { headSize, valueHeadSize, cache, values } = shape;
  const norms = query.norm || key.norm ? normWeights(plan, headSize, [query.norm, key.norm]) : undefined;
  return {
    source: [
      shape.source,
      `fn normWeight(place: u32) -> f32 { return ${norms ? 'norms[place / 4][place % 4]' : '1.0'}; }`,
      head,
    ].join('\n'),
    constants: {
      KEY_BITS: cache.key.bits,
      VALUE_BITS: cache.value.bits,
      HEAD_ROOM: 64 * Math.ceil(Math.max(headSize, valueHeadSize) / 64),
      NORM_QUERY: Number(query.norm !== undefined),
      NORM_KEY: Number(key.norm !== undefined),
      TURN_QUERY: Number(query.turned),
      TURN_KEY: Number(key.turned),
    },
    sizes: { ...shape.sizes, ...turnSizes(rope) },
    factors: { ...shape.factors, QUERY_EPSILON: query.norm?.epsilon ?? 0, KEY_EPSILON: key.norm?.epsilon ?? 0 },
    bindings: {
      ...shape.bindings('write'),
      key: { buffer: values.key, type: 'f32' },
      value: { buffer: values.value, type: 'f32' },
      // Any buffer will do where nothing turns.
      turns: { buffer: rope ? turnsOf(plan, rope) : values.key, type: 'f32' },
      ...(norms ? { norms } : {}),
    },
  } satisfies Partial<DispatchSpec>;
}

/** Weights of queries and keys as one uniform buffer: they would be storage bindings too many. */
function normWeights(
  plan: Plan,
  headSize: number,
  norms: readonly HeadPreparation['norm'][],
): DispatchSpec['bindings'][string] {
  const { gpu } = plan.device;
  const buffer = plan.buffer(`norms ${norms.map((norm) => norm?.module).join(' ')}`, 8 * headSize);
  const encoder = gpu.createCommandEncoder();
  for (const [index, norm] of norms.entries()) {
    if (norm) encoder.copyBufferToBuffer(norm.weight, 0, buffer, 4 * headSize * index, 4 * headSize);
  }
  gpu.queue.submit([encoder.finish()]);
  return { buffer, type: `array<vec4f, ${Math.ceil(headSize / 2)}>`, access: 'uniform' };
}
