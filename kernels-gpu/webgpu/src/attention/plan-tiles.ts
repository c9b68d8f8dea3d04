import { unroll } from '../gpu/unroll.ts';
import type { Plan } from '../run/plan.ts';
import attendTiles from './attend-tiles.wgsl';
import type { AttentionShape } from './attention-shape.ts';
import { queryShader } from './cache-shader.ts';

/** Rows of one sequence in tiles. */
export function planTiles(plan: Plan, shape: AttentionShape): void {
  const { numHeads, headSize, valueHeadSize, values, sizes, factors } = shape;
  const query = queryShader(headSize);
  plan.add({
    label: 'attention of tiles',
    source: [shape.source, query.source, unroll(attendTiles, { SLABS: Math.ceil(valueHeadSize / 64) })].join('\n'),
    sizes,
    factors,
    bindings: {
      ...shape.bindings('read'),
      query: { buffer: values.query, type: query.type },
      output: { buffer: values.output, type: 'f32', access: 'write' },
    },
    workgroups: ({ attention }) => [numHeads, attention?.tiles ?? 0],
  });
}
