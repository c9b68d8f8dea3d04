import type { Plan } from '../run/plan.ts';
import type { AttentionShape } from './attention-shape.ts';
import writeCache from './write.wgsl';

/** Whole rows of keys and values into the cache, as they are. */
export function planWrite(plan: Plan, { source, sizes, bindings, values, cache }: AttentionShape): void {
  const { key, value } = cache;
  plan.add({
    label: 'write cache',
    source: [source, writeCache].join('\n'),
    constants: { ELEMENT_BITS: key.bits },
    sizes,
    bindings: {
      ...bindings('write'),
      key: { buffer: values.key, type: 'f32' },
      value: { buffer: values.value, type: 'f32' },
    },
    workgroups: ({ rows }) => [Math.ceil(Math.max(key.rowWords, value.rowWords) / 64), rows],
  });
}
