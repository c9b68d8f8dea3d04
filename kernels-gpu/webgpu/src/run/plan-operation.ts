/// <reference types="@webgpu/types" />
import { type LinearOperation, type ModelProgram, type Operation, unknownOperation } from '@lowbit/core';
import { planAttention } from '../attention/plan-attention.ts';
import { planEmbedding } from '../embedding/plan-embedding.ts';
import { joinedName } from '../linear/join-linears.ts';
import { planLinear } from '../linear/plan-linear.ts';
import { planExperts, planRoute, routingBuffers } from '../moe/plan-experts.ts';
import { planConcat } from '../ops/concat.ts';
import { planElementwise } from '../ops/elementwise.ts';
import { planRmsNorm } from '../ops/rms-norm.ts';
import { planRope } from '../ops/rope.ts';
import type { Plan } from './plan.ts';
import type { DeviceModules } from './prepare-modules.ts';

/** The dispatches of one operation of a checked program. `logits` is where the logits go. */
export function planOperation(
  plan: Plan,
  operation: Operation,
  index: number,
  modules: DeviceModules,
  { values }: ModelProgram,
  logits: GPUBuffer,
): void {
  const widthOf = (name: string) => values[name]!;
  const value = (name: string) => plan.value(name, widthOf(name));
  switch (operation.kind) {
    case 'embedding':
      planEmbedding(plan, modules.tables.get(operation.module)!, value(operation.output));
      break;
    case 'rms-norm': {
      const { input, output, size, epsilon } = operation;
      const norm = modules.vectors.get(operation.module)!;
      const sizes = { size, epsilon, runs: widthOf(input) / size };
      planRmsNorm(plan, norm, sizes, { input: value(input), output: value(output) });
      break;
    }
    case 'linear':
      planParts(plan, operation, modules, value);
      break;
    case 'concat':
      planConcat(plan, operation, widthOf, value);
      break;
    case 'rope':
      planRope(
        plan,
        operation,
        operation.values.map((name) => ({ width: widthOf(name), buffer: value(name) })),
      );
      break;
    case 'attention':
      planAttention(plan, operation, modules.caches.get(operation.cache)!, {
        query: value(operation.query),
        key: value(operation.key),
        value: value(operation.value),
        output: value(operation.output),
      });
      break;
    case 'silu-mul':
      planElementwise(plan, {
        label: 'silu-mul',
        inputs: { gate: value(operation.gate), up: value(operation.up) },
        output: value(operation.output),
        width: widthOf(operation.output),
        expression: 'gate[place] * sigmoid(gate[place]) * up[place]',
      });
      break;
    case 'moe': {
      const experts = modules.experts.get(operation.module)!;
      const routing = routingBuffers(plan, operation.topK);
      const bias = operation.choiceBias === undefined ? undefined : modules.vectors.get(operation.choiceBias)!.numbers;
      planRoute(plan, operation, experts.gate.weight.matrices, value(operation.routerLogits), routing, bias);
      planExperts(plan, experts, routing, value(operation.input), value(operation.output));
      break;
    }
    case 'sigmoid-mul':
      planElementwise(plan, {
        label: 'sigmoid-mul',
        inputs: { gate: value(operation.gate), input: value(operation.input) },
        output: value(operation.output),
        width: widthOf(operation.output),
        expression: 'sigmoid(gate[row]) * input[place]',
      });
      break;
    case 'add':
      planElementwise(plan, {
        label: 'add',
        inputs: { left: value(operation.left), right: value(operation.right) },
        output: value(operation.output),
        width: widthOf(operation.output),
        expression: 'left[place] + right[place]',
      });
      break;
    case 'logits': {
      const width = widthOf(operation.input);
      const gathered = plan.buffer('rows of logits', 4 * plan.rows.logitCapacity * width);
      planElementwise(plan, {
        label: 'gather',
        inputs: { all: value(operation.input) },
        others: { logitRows: { buffer: plan.rows.logitRows, type: 'u32' } },
        output: gathered,
        width,
        expression: 'all[logitRows[row] * WIDTH + i]',
        logits: true,
      });
      planLinear(plan, modules.linears.get(operation.module)!, { x: gathered, y: [logits], logits: true });
      break;
    }
    default:
      unknownOperation(operation, index);
  }
}

function planParts(
  plan: Plan,
  { input, parts }: LinearOperation,
  { linears }: DeviceModules,
  value: (name: string) => GPUBuffer,
): void {
  const joined = linears.get(joinedName(parts.map(({ module }) => module)));
  if (joined) {
    planLinear(plan, joined, { x: value(input), y: parts.map(({ output }) => value(output)) });
    return;
  }
  for (const { module, output } of parts) {
    planLinear(plan, linears.get(module)!, { x: value(input), y: [value(output)] });
  }
}
