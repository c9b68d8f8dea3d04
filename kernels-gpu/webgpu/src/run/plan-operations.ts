/// <reference types="@webgpu/types" />
import type { ModelProgram } from '@lowbit/core';
import { planAttention } from '../attention/plan-attention.ts';
import { type Preparation, placesHeads } from '../attention/preparation.ts';
import { planLinear } from '../linear/plan-linear.ts';
import { planRmsNorm } from '../ops/rms-norm.ts';
import { type AttentionGroup, groupOperations, type NormGroup } from './group-operations.ts';
import type { Plan } from './plan.ts';
import { planOperation } from './plan-operation.ts';
import type { DeviceModules } from './prepare-modules.ts';

/** The dispatches of a checked program. `logits` is where the logits go. */
export function planOperations(plan: Plan, modules: DeviceModules, program: ModelProgram, logits: GPUBuffer): void {
  const widthOf = (name: string) => program.values[name]!;
  const value = (name: string) => plan.value(name, widthOf(name));
  for (const group of groupOperations(program)) {
    switch (group.kind) {
      case 'one':
        planOperation(plan, group.operation, group.index, modules, program, logits);
        break;
      case 'norm':
        planNorm(plan, group, modules, widthOf(group.norm.input), value, logits);
        break;
      case 'added linear': {
        const { linear, sum } = group;
        const module = modules.linears.get(linear.parts[0]!.module)!;
        planLinear(plan, module, { x: value(linear.input), y: [value(sum)], addend: value(sum) });
        break;
      }
      case 'attention':
        planAttentionGroup(plan, group, modules, program, value, logits);
        break;
    }
  }
}

function planNorm(
  plan: Plan,
  { norm, addend, logits: operation }: NormGroup,
  modules: DeviceModules,
  width: number,
  value: (name: string) => GPUBuffer,
  logits: GPUBuffer,
): void {
  const output = operation ? plan.buffer('rows of logits', 4 * plan.rows.logitCapacity * width) : value(norm.output);
  planRmsNorm(
    plan,
    modules.vectors.get(norm.module)!,
    { size: norm.size, epsilon: norm.epsilon, runs: width / norm.size },
    {
      input: value(norm.input),
      output,
      ...(addend === undefined ? {} : { addend: value(addend) }),
      logits: operation !== undefined,
    },
  );
  if (operation) planLinear(plan, modules.linears.get(operation.module)!, { x: output, y: [logits], logits: true });
}

/** Together where heads can be placed one by one; otherwise one after the other. */
function planAttentionGroup(
  plan: Plan,
  { attention, norms, rope }: AttentionGroup,
  modules: DeviceModules,
  program: ModelProgram,
  value: (name: string) => GPUBuffer,
  logits: GPUBuffer,
): void {
  const cache = modules.caches.get(attention.cache)!;
  const ofHeads = [norms.query, norms.key].filter((norm) => norm !== undefined);
  const together = placesHeads(cache, attention) && ofHeads.every(({ module }) => !modules.vectors.get(module)!.biased);
  if (!together) {
    for (const operation of [...ofHeads, ...(rope ? [rope] : []), attention]) {
      planOperation(plan, operation, program.operations.indexOf(operation), modules, program, logits);
    }
    return;
  }
  const prepare = (name: 'query' | 'key') => {
    const norm = norms[name];
    const turned = rope?.values.includes(attention[name]) ?? false;
    if (!norm) return { turned };
    const { module, epsilon } = norm;
    return { turned, norm: { module, epsilon, weight: modules.vectors.get(module)!.numbers } };
  };
  const preparation: Preparation = { query: prepare('query'), key: prepare('key'), ...(rope ? { rope } : {}) };
  const { query, key, value: values, output } = attention;
  planAttention(
    plan,
    attention,
    cache,
    { query: value(query), key: value(key), value: value(values), output: value(output) },
    preparation,
  );
}
