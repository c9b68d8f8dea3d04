/// <reference types="@webgpu/types" />
import { unroll } from '../gpu/unroll.ts';
import type { Plan } from '../run/plan.ts';
import attend from './attend.wgsl';
import { type AttentionShape, headRooms, keySteps } from './attention-shape.ts';
import { queryShader } from './cache-shader.ts';
import join from './join.wgsl';
import pages from './pages.wgsl';
import { isFresh } from './plan-heads.ts';

/** Rows that attend by themselves; long contexts in stretches that are joined. */
export function planSingles(plan: Plan, shape: AttentionShape, fresh: boolean): void {
  const { numHeads, headSize, valueHeadSize, values, sizes, factors } = shape;
  const parts = plan.buffer('attention of stretches', 4 * plan.rows.capacity * numHeads * (valueHeadSize + 2));
  const query = queryShader(headSize);
  plan.add({
    label: 'attention',
    source: [shape.source, query.source, unroll(attend, { FRESH: 0, PLACED: 1, KEY_STEPS: keySteps(headSize) })].join(
      '\n',
    ),
    constants: headRooms(shape),
    sizes,
    factors,
    bindings: {
      ...shape.bindings('read'),
      query: { buffer: values.query, type: query.type },
      parts: { buffer: parts, type: 'f32', access: 'write' },
      output: { buffer: values.output, type: 'f32', access: 'write' },
    },
    workgroups: (counts) =>
      counts.attention && !(fresh && isFresh(counts))
        ? [numHeads, counts.attention.singles, counts.attention.stretches]
        : [0],
  });
  plan.add({
    label: 'join attention',
    source: [pages, join].join('\n'),
    sizes: { HEADS: numHeads, VALUE_HEAD_SIZE: valueHeadSize, BLOCK_SIZE: shape.cache.blockSize },
    bindings: {
      counts: { buffer: plan.rows.counts, type: 'vec4u', access: 'uniform' },
      pages: { buffer: plan.rows.pages, type: 'u32' },
      parts: { buffer: parts, type: 'f32' },
      output: { buffer: values.output, type: 'f32', access: 'write' },
    },
    workgroups: ({ attention }) =>
      attention && attention.stretches > 1 ? [Math.ceil((numHeads * valueHeadSize) / 64), attention.singles] : [0],
  });
}
