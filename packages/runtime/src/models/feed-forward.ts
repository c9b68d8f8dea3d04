import type { MoeOperation, MoeSpec } from '@lowbit/core';
import type { ProgramBuilder } from './program-builder.ts';

/** What stands after attention in a layer. Names are relative to the layer: `mlp`, `block_sparse_moe.experts`. */
export type FeedForward =
  | { readonly kind: 'dense'; readonly name: string; readonly intermediateSize: number; readonly hasBias: boolean }
  | ExpertsFeedForward;

export interface ExpertsFeedForward
  extends Pick<MoeSpec, 'numExperts' | 'intermediateSize' | 'projections'>,
    Pick<MoeOperation, 'topK' | 'scoring' | 'normalize' | 'scale' | 'groups'> {
  readonly kind: 'experts';
  readonly router: string;
  readonly experts: string;
  /** Tensor of one number per expert that is added to the scores for the choice alone. */
  readonly choiceBias?: string;
  /** An expert that every token goes through, its output gated by one number per token where there is a gate. */
  readonly shared?: { readonly name: string; readonly gate?: string; readonly intermediateSize: number };
}

/** Adds the operations that make `update` from `normed`. */
export function addFeedForward(
  builder: ProgramBuilder,
  layer: string,
  hiddenSize: number,
  feedForward: FeedForward,
): void {
  if (feedForward.kind === 'dense') {
    const { name, intermediateSize, hasBias } = feedForward;
    addGatedMlp(builder, `${layer}.${name}`, 'update', { hiddenSize, intermediateSize, hasBias });
    return;
  }
  const { kind: _kind, router, experts, shared, numExperts, intermediateSize, projections, ...routing } = feedForward;
  const role = 'router';
  builder.project('normed', hiddenSize, [
    { module: `${layer}.${router}`, output: 'routerLogits', outFeatures: numExperts, role },
  ]);
  const module = builder.module({
    kind: 'moe',
    name: `${layer}.${experts}`,
    numExperts,
    hiddenSize,
    intermediateSize,
    projections,
  });
  const { choiceBias: bias, ...choice } = routing;
  const choiceBias =
    bias === undefined
      ? {}
      : { choiceBias: builder.module({ kind: 'vector', name: `${layer}.${bias}`, size: numExperts }) };
  const values = { input: 'normed', routerLogits: 'routerLogits', output: builder.value('update', hiddenSize) };
  builder.add({ kind: 'moe', module, ...values, ...choice, ...choiceBias });
  if (shared) addSharedExpert(builder, layer, hiddenSize, shared);
}

function addSharedExpert(
  builder: ProgramBuilder,
  layer: string,
  hiddenSize: number,
  { name, gate, intermediateSize }: NonNullable<ExpertsFeedForward['shared']>,
): void {
  const size = { hiddenSize, intermediateSize, hasBias: false };
  addGatedMlp(builder, `${layer}.${name}`, 'shared', size);
  if (gate !== undefined) {
    builder.project('normed', hiddenSize, [
      { module: `${layer}.${gate}`, output: 'sharedWeight', outFeatures: 1, role: 'router' },
    ]);
    builder.add({ kind: 'sigmoid-mul', gate: 'sharedWeight', input: 'shared', output: 'shared' });
  }
  builder.add({ kind: 'add', left: 'update', right: 'shared', output: 'update' });
}

/** `output = down(silu(gate(normed)) * up(normed))` */
function addGatedMlp(
  builder: ProgramBuilder,
  mlp: string,
  output: string,
  size: { readonly hiddenSize: number; readonly intermediateSize: number; readonly hasBias: boolean },
): void {
  const { hiddenSize, intermediateSize: outFeatures, hasBias } = size;
  const [gate, up] = [`${output}Gate`, `${output}Up`];
  builder.project('normed', hiddenSize, [
    { module: `${mlp}.gate_proj`, output: gate, outFeatures, hasBias },
    { module: `${mlp}.up_proj`, output: up, outFeatures, hasBias },
  ]);
  builder.add({ kind: 'silu-mul', gate, up, output: gate });
  builder.project(gate, outFeatures, [{ module: `${mlp}.down_proj`, output, outFeatures: hiddenSize, hasBias }]);
}
