/// <reference types="@webgpu/types" />
import type { DispatchSpec } from '../gpu/dispatch.ts';
import type { Plan } from '../run/plan.ts';
import chunkShader from './chunk.wgsl';
import mergeShader from './merge.wgsl';
import selectShader from './select.wgsl';

/** Tokens of which one workgroup takes the best. */
const chunk = 2048;

/** The largest logits of rows, found on the device; only runs with `Counts.top` compute them. */
export interface SelectBuffers {
  /** Most of a row. */
  readonly most: number;
  /** The largest count of the rows, then the count of each. */
  readonly wanted: GPUBuffer;
  /** As merge.wgsl writes them. */
  readonly chosen: GPUBuffer;
}

/** Two dispatches: the best of each chunk of the vocabulary, then the best of those. `logits` are there before. */
export function planSelect(plan: Plan, logits: GPUBuffer, vocabSize: number): SelectBuffers {
  const { logitCapacity } = plan.rows;
  const chunks = Math.ceil(vocabSize / chunk);
  const most = Math.min(256, vocabSize);
  const wanted = plan.buffer('wanted logits', 4 * (1 + logitCapacity));
  const chosen = plan.buffer('chosen logits', 4 * logitCapacity * (2 + 2 * most));
  const leading = plan.buffer('best of chunks', 8 * logitCapacity * chunks * most);
  const sums = plan.buffer('sums of chunks', 8 * logitCapacity * chunks);
  const add = (spec: Pick<DispatchSpec, 'label' | 'source' | 'sizes' | 'bindings'>, groups: number) =>
    plan.add({
      ...spec,
      source: [spec.source, selectShader].join('\n'),
      constants: { CHUNK: chunk },
      workgroups: ({ logitRows, top }) => [top ? groups : 0, logitRows],
    });
  add(
    {
      label: 'select from chunks',
      source: chunkShader,
      sizes: { VOCAB: vocabSize, CHUNKS: chunks },
      bindings: {
        wanted: { buffer: wanted, type: 'u32' },
        logits: { buffer: logits, type: 'u32' },
        leading: { buffer: leading, type: 'vec2u', access: 'write' },
        sums: { buffer: sums, type: 'vec2f', access: 'write' },
      },
    },
    chunks,
  );
  add(
    {
      label: 'select from the best',
      source: mergeShader,
      sizes: { CHUNKS: chunks },
      bindings: {
        wanted: { buffer: wanted, type: 'u32' },
        leading: { buffer: leading, type: 'vec2u' },
        sums: { buffer: sums, type: 'vec2f' },
        chosen: { buffer: chosen, type: 'u32', access: 'write' },
      },
    },
    1,
  );
  return { most, wanted, chosen };
}
