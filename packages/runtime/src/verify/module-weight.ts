import { linearsOf, type QuantizedWeight, tensorsOf } from '@lowbit/core';
import { dequantizeWeight } from '@lowbit/numerics';
import type { ModelPlan } from '../plan/plan-model.ts';

/** The weight of a linear, of one linear of one expert, or of an embedding. */
export function weightOf(plan: ModelPlan, module: string): QuantizedWeight | undefined {
  const description = plan.modules.get(module)?.description;
  return description?.kind === 'embedding' ? description.weight : linearOf(plan, module)?.weight;
}

/** A linear of the model, or of one of its experts. */
export function linearOf({ modules }: ModelPlan, module: string) {
  const own = modules.get(module)?.description;
  if (own?.kind === 'linear') return own;
  for (const { description } of modules.values()) {
    if (description.kind !== 'moe') continue;
    const expert = linearsOf(description).find((linear) => linear.module === module);
    if (expert) return expert;
  }
  return undefined;
}

/** The weight as f32 `[out, in]`. */
export async function dequantizeModule({ checkpoint }: ModelPlan, weight: QuantizedWeight): Promise<Float32Array> {
  const bytes = new Map<string, Uint8Array>();
  for (const ref of tensorsOf({ kind: 'embedding', module: '', scheme: '', weight })) {
    bytes.set(ref.name, await checkpoint.bytes.read(ref));
  }
  return dequantizeWeight(weight, (ref) => bytes.get(ref.name)!);
}
