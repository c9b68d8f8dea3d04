/// <reference types="@webgpu/types" />
import type { RopeOperation } from '@lowbit/core';
import { unroll } from '../gpu/unroll.ts';
import type { Plan } from '../run/plan.ts';
import shader from './rope.wgsl';

const { fround } = Math;

/** All values of an operation in one dispatch. */
export function planRope(
  plan: Plan,
  operation: RopeOperation,
  values: readonly { readonly width: number; readonly buffer: GPUBuffer }[],
): void {
  const { headSize, inverseFrequencies } = operation;
  const pairs = inverseFrequencies.length;
  const heads = values.map(({ width }) => width / headSize);
  plan.add({
    label: 'rope',
    source: unroll(shader, { VALUES: values.length }),
    sizes: {
      ...Object.fromEntries(heads.map((count, index) => [`HEADS${index}`, count])),
      HEAD_SIZE: headSize,
      ...turnSizes(operation),
    },
    bindings: {
      counts: { buffer: plan.rows.counts, type: 'vec4u', access: 'uniform' },
      turns: { buffer: turnsOf(plan, operation), type: 'vec2f' },
      ...Object.fromEntries(
        values.map(({ buffer }, index) => [`value${index}`, { buffer, type: 'f32', access: 'write' }] as const),
      ),
    },
    workgroups: ({ rows }) => [Math.ceil((Math.max(...heads) * pairs) / 64), rows, values.length],
  });
}

/** Which features of a head turn, as the shaders name it. */
export function turnSizes(rope: RopeOperation | undefined) {
  const { inverseFrequencies = [], interleaved, offset = 0 } = rope ?? {};
  const pairs = inverseFrequencies.length;
  return { PAIRS: pairs, OFFSET: offset, STEP: interleaved ? 2 : 1, DISTANCE: interleaved ? 1 : pairs };
}

/** Cosines and sines of a run's positions, one buffer for all layers that turn alike. */
export function turnsOf(plan: Plan, { inverseFrequencies, attentionFactor }: RopeOperation): GPUBuffer {
  const name = `turns ${attentionFactor} ${inverseFrequencies.join(' ')}`;
  return plan.buffer(name, 8 * plan.rows.capacity * inverseFrequencies.length, (positions) => {
    const turns = new Float32Array(2 * positions.length * inverseFrequencies.length);
    let next = 0;
    for (const position of positions) {
      for (const frequency of inverseFrequencies) {
        const angle = fround(position * frequency);
        turns[next++] = fround(Math.cos(angle)) * attentionFactor;
        turns[next++] = fround(Math.sin(angle)) * attentionFactor;
      }
    }
    return turns;
  });
}
