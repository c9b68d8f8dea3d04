/// <reference types="@webgpu/types" />
import type { MoeOperation } from '@lowbit/core';
import { isFew } from '../linear/linear-use.ts';
import { planLinear } from '../linear/plan-linear.ts';
import { mostTiles, type SortedRows, tileRows } from '../linear/tiles.ts';
import { planElementwise } from '../ops/elementwise.ts';
import type { Plan } from '../run/plan.ts';
import type { DeviceExperts } from './device-experts.ts';
import routeShader from './route.wgsl';
import sortRows from './sort-rows.wgsl';

/** Chosen experts and how much each counts, `[rows, topK]`. */
export interface RoutingBuffers {
  readonly topK: number;
  readonly experts: GPUBuffer;
  readonly weights: GPUBuffer;
}

export function routingBuffers(plan: Plan, topK: number): RoutingBuffers {
  const bytes = 4 * plan.rows.capacity * topK;
  return { topK, experts: plan.buffer('chosen experts', bytes), weights: plan.buffer('weights of experts', bytes) };
}

export function planRoute(
  plan: Plan,
  operation: MoeOperation,
  numExperts: number,
  logits: GPUBuffer,
  { experts, weights }: RoutingBuffers,
  bias: GPUBuffer | undefined,
): void {
  const { topK, scoring, normalize, scale, groups } = operation;
  const byScore = bias !== undefined || groups?.score === 'two-largest';
  plan.add({
    label: 'route',
    source: [`fn biasOf(e: u32) -> f32 { return ${bias ? 'bias[e]' : '0.0'}; }`, routeShader].join('\n'),
    constants: {
      EXPERTS: numExperts,
      TOP_K: topK,
      SOFTMAX: Number(scoring === 'softmax'),
      NORMALIZE: Number(normalize),
      BY_SCORE: Number(byScore),
      GROUPS: groups?.count ?? 0,
      GROUP_EXPERTS: groups ? numExperts / groups.count : 0,
      CHOSEN_GROUPS: groups?.chosen ?? 0,
      TWO_LARGEST: Number(groups?.score === 'two-largest'),
    },
    factors: { SCALE: scale },
    bindings: {
      counts: { buffer: plan.rows.counts, type: 'vec4u', access: 'uniform' },
      logits: { buffer: logits, type: 'f32' },
      experts: { buffer: experts, type: 'u32', access: 'write' },
      weights: { buffer: weights, type: 'f32', access: 'write' },
      ...(bias ? { bias: { buffer: bias, type: 'f32' } } : {}),
    },
    workgroups: ({ rows }) => [Math.ceil(rows / 64)],
  });
}

/** Each row through its experts, whose outputs are added, weighted. */
export function planExperts(
  plan: Plan,
  { gate, up, down }: DeviceExperts,
  { topK: slots, experts, weights }: RoutingBuffers,
  input: GPUBuffer,
  output: GPUBuffer,
): void {
  const { inFeatures: hiddenSize, outFeatures: intermediateSize } = gate.weight;
  const slotRows = plan.rows.capacity * slots;
  const gated = plan.buffer('experts: gate', 4 * slotRows * intermediateSize);
  const raised = plan.buffer('experts: up', 4 * slotRows * intermediateSize);
  const lowered = plan.buffer('experts: down', 4 * slotRows * hiddenSize);
  const sorted = planSort(plan, gate.weight.matrices, slots, experts);
  planLinear(plan, gate, { x: input, y: [gated], slots, shared: slots, experts, sorted });
  planLinear(plan, up, { x: input, y: [raised], slots, shared: slots, experts, sorted });
  planElementwise(plan, {
    label: 'silu-mul',
    inputs: { gate: gated, up: raised },
    output: gated,
    width: intermediateSize,
    expression: 'gate[place] * sigmoid(gate[place]) * up[place]',
    slots,
  });
  planLinear(plan, down, { x: gated, y: [lowered], slots, experts, sorted });
  planElementwise(plan, {
    label: 'add experts',
    inputs: { weights, lowered },
    output,
    width: hiddenSize,
    sizes: { TOP_K: slots },
    expression: 'addExperts(row, i)',
    functions:
      'fn addExperts(row: u32, i: u32) -> f32 { var sum = 0.0; for (var k = row * TOP_K; k < (row + 1) * TOP_K; k++) { sum += weights[k] * lowered[k * WIDTH + i]; } return sum; }',
  });
}

/** The rows of each expert side by side, cut into tiles. */
function planSort(plan: Plan, matrices: number, slots: number, experts: GPUBuffer): SortedRows {
  const { capacity, counts } = plan.rows;
  const most = mostTiles(capacity * slots, matrices);
  const tiles = plan.buffer('rows by expert', 4 * (3 * most + capacity * slots));
  const sorted = { tiles, matrices };
  plan.add({
    label: 'sort rows',
    source: sortRows,
    constants: { EXPERTS: matrices },
    sizes: { SLOTS: slots, MOST_TILES: most, TILE_ROWS: tileRows, SORTED_AT: 3 * most },
    bindings: {
      counts: { buffer: counts, type: 'vec4u', access: 'uniform' },
      experts: { buffer: experts, type: 'u32' },
      tiles: { buffer: tiles, type: 'u32', access: 'write' },
    },
    workgroups: (counts) => (isFew(plan.device, counts, { sorted }) ? [0] : [1]),
  });
  return sorted;
}
