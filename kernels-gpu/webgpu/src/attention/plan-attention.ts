/// <reference types="@webgpu/types" />
import type { AttentionOperation } from '@lowbit/core';
import type { CachePart, DeviceCache } from '../cache/device-cache.ts';
import writeCache from '../cache/write.wgsl';
import type { DispatchSpec } from '../gpu/dispatch.ts';
import { unroll } from '../gpu/unroll.ts';
import floats from '../numbers/floats.wgsl';
import type { Plan } from '../run/plan.ts';
import attend from './attend.wgsl';
import join from './join.wgsl';

type Values = Readonly<Record<'query' | 'key' | 'value' | 'output', GPUBuffer>>;

/** The rows' keys and values enter the cache, then every row attends. */
export function planAttention(plan: Plan, operation: AttentionOperation, cache: DeviceCache, values: Values): void {
  planWrite(plan, cache, [values.key, values.value]);
  const { numHeads, numKvHeads, headSize, valueHeadSize = headSize, scale, slidingWindow = 0 } = operation;
  const { key, value } = cache;
  const parts = plan.buffer('attention of stretches', 4 * plan.rows.capacity * numHeads * (valueHeadSize + 2));
  plan.add({
    label: 'attention',
    source: [floats, numberOf('key', key), numberOf('value', value), attend].join('\n'),
    constants: {
      KEY_BITS: key.bits,
      VALUE_BITS: value.bits,
      OWN_VALUES: Math.ceil(valueHeadSize / 128),
      QUERY_ROOM: 64 * Math.ceil(headSize / 64),
    },
    sizes: {
      HEADS: numHeads,
      KV_HEADS: numKvHeads,
      HEAD_SIZE: headSize,
      VALUE_HEAD_SIZE: valueHeadSize,
      WINDOW: slidingWindow,
      BLOCK_SIZE: cache.blockSize,
      KEY_WORDS: key.rowWords,
      VALUE_WORDS: value.rowWords,
    },
    factors: { SCALE: scale },
    bindings: {
      ...pages(plan),
      query: { buffer: values.query, type: 'f32' },
      keys: { buffer: key.elements, type: 'u32' },
      values: { buffer: value.elements, type: 'u32' },
      parts: { buffer: parts, type: 'f32', access: 'write' },
      ...(key.quantities ? { keyQuantities: { buffer: key.quantities, type: 'f32' } } : {}),
      ...(value.quantities ? { valueQuantities: { buffer: value.quantities, type: 'f32' } } : {}),
    },
    workgroups: ({ rows, stretches }) => [numHeads, rows, stretches],
  });
  plan.add({
    label: 'join attention',
    source: join,
    sizes: { HEADS: numHeads, VALUE_HEAD_SIZE: valueHeadSize },
    bindings: {
      counts: { buffer: plan.rows.counts, type: 'vec4u', access: 'uniform' },
      parts: { buffer: parts, type: 'f32' },
      output: { buffer: values.output, type: 'f32', access: 'write' },
    },
    workgroups: ({ rows }) => [Math.ceil((numHeads * valueHeadSize) / 64), rows],
  });
}

function planWrite(plan: Plan, { key, value, blockSize }: DeviceCache, inputs: readonly [GPUBuffer, GPUBuffer]): void {
  const parts = [key, value];
  const ofParts = <Entry>(entries: (part: CachePart, index: number) => Readonly<Record<string, Entry>>) =>
    Object.assign({}, ...parts.map(entries)) as Readonly<Record<string, Entry>>;
  const encoders = parts.map(({ encode }, index) => {
    const code = encode.replaceAll('quantities', `quantities${index}`);
    return `fn encode${index}(value: f32, feature: u32, width: u32) -> u32 { return ${code}; }`;
  });
  plan.add({
    label: 'write cache',
    source: [floats, ...encoders, unroll(writeCache, {})].join('\n'),
    constants: { ELEMENT_BITS: key.bits, SCALED: Number(key.quantities !== undefined) },
    sizes: {
      BLOCK_SIZE: blockSize,
      ...ofParts(({ width, rowWords }, index) => ({ [`WIDTH${index}`]: width, [`ROW_WORDS${index}`]: rowWords })),
    },
    bindings: {
      ...pages(plan),
      ...ofParts(({ elements, quantities }, index) => {
        const input = { buffer: inputs[index]!, type: 'f32' };
        return {
          [`input${index}`]: input,
          [`cache${index}`]: { buffer: elements, type: 'u32', access: 'write' as const },
          [`quantities${index}`]: quantities ? { buffer: quantities, type: 'f32' } : input,
        };
      }),
    },
    workgroups: ({ rows }) => [Math.ceil(Math.max(key.rowWords, value.rowWords) / 64), rows, 2],
  });
}

function pages({ rows }: Plan): DispatchSpec['bindings'] {
  return {
    counts: { buffer: rows.counts, type: 'vec4u', access: 'uniform' },
    pages: { buffer: rows.pages, type: 'vec2u' },
    blockTable: { buffer: rows.blockTable, type: 'u32' },
  };
}

/** WGSL: `keyNumber` or `valueNumber`, what an element of a feature stands for. */
function numberOf(name: 'key' | 'value', { decode, quantities }: CachePart): string {
  const table = `${name}Quantities`;
  const number = decode.replaceAll('quantities', table);
  const scaled = quantities ? `${number} * ${table}[feature]` : number;
  return `fn ${name}Number(code: u32, feature: u32, width: u32) -> f32 { return ${scaled}; }`;
}
