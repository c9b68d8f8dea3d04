import type { KvCacheSize, ModuleDescription, ModuleSpec, MoeDescription, Numerics, TensorBytes } from '@lowbit/core';
import { type CachePlan, planCache } from './cache-plan.ts';
import { type LinearPlan, planLinear } from './linear-plan.ts';
import { readTable } from './tensor-source.ts';
import { planWeight, type WeightPlan } from './weight-plan.ts';

/** A module as the addon makes it ready. */
export type ModulePlan = LinearPlan | MoePlan | EmbeddingPlan | CachePlan | NormPlan;

export interface MoePlan {
  readonly kind: 'moe';
  readonly experts: readonly { readonly gate: LinearPlan; readonly up: LinearPlan; readonly down: LinearPlan }[];
}

interface EmbeddingPlan {
  readonly kind: 'embedding';
  readonly weight: WeightPlan;
}

/** A norm, or a vector in `weight`. */
interface NormPlan {
  readonly kind: 'norm';
  readonly weight: Float32Array;
  readonly bias?: Float32Array;
}

export interface PlanContext {
  readonly numerics: Numerics;
  readonly bytes: TensorBytes;
  readonly kvCache: KvCacheSize;
}

/** @throws LayoutError and TensorError for tensors that are not what their description says */
export async function planModule(
  spec: ModuleSpec,
  description: ModuleDescription,
  { numerics, bytes, kvCache }: PlanContext,
): Promise<ModulePlan> {
  switch (description.kind) {
    case 'linear':
      return planLinear(description, numerics, bytes);
    case 'moe':
      return planMoe(description, numerics, bytes);
    case 'embedding':
      return { kind: 'embedding', weight: await planWeight(description.weight, { form: 'decoded' }, bytes) };
    case 'kvCache':
      return planCache(description, kvCache, numerics, bytes);
    case 'vector':
    case 'norm': {
      const features = [['out', sizeOf(spec)]] as const;
      const bias = description.kind === 'norm' ? description.bias : undefined;
      const stored = description.kind === 'norm' ? description.weight : description.vector;
      const weight = await readTable(stored, bytes, features);
      return { kind: 'norm', weight, ...(bias ? { bias: await readTable(bias, bytes, features) } : {}) };
    }
  }
}

export async function planMoe({ experts }: MoeDescription, numerics: Numerics, bytes: TensorBytes): Promise<MoePlan> {
  const plans: MoePlan['experts'][number][] = [];
  for (const { gate, up, down } of experts) {
    plans.push({
      gate: await planLinear(gate, numerics, bytes),
      up: await planLinear(up, numerics, bytes),
      down: await planLinear(down, numerics, bytes),
    });
  }
  return { kind: 'moe', experts: plans };
}

function sizeOf(spec: ModuleSpec): number {
  return spec.kind === 'norm' || spec.kind === 'vector' ? spec.size : 0;
}
