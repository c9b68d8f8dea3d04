/// <reference types="@webgpu/types" />
import type { ModelProgram, Operation } from '@lowbit/core';
import { planRmsNorm } from '../ops/rms-norm.ts';
import type { Plan } from './plan.ts';
import { planOperation } from './plan-operation.ts';
import type { DeviceModules } from './prepare-modules.ts';

/** The dispatches of a checked program; a sum that is normalized next takes one. */
export function planOperations(plan: Plan, modules: DeviceModules, program: ModelProgram, logits: GPUBuffer): void {
  const { operations, values } = program;
  for (let index = 0; index < operations.length; index++) {
    const operation = operations[index]!;
    const fused = sumThenNorm(operation, operations[index + 1]);
    if (!fused) {
      planOperation(plan, operation, index, modules, program, logits);
      continue;
    }
    const { sum, addend, norm } = fused;
    const value = (name: string) => plan.value(name, values[name]!);
    const sizes = { size: norm.size, epsilon: norm.epsilon, runs: values[norm.input]! / norm.size };
    planRmsNorm(plan, modules.vectors.get(norm.module)!, sizes, value(sum), value(norm.output), value(addend));
    index++;
  }
}

/** `sum = sum + addend` and a norm of the sum into another value. */
function sumThenNorm(operation: Operation, next: Operation | undefined) {
  if (operation.kind !== 'add' || next?.kind !== 'rms-norm') return undefined;
  const { left, right, output: sum } = operation;
  if (next.input !== sum || left === right || (left !== sum && right !== sum)) return undefined;
  const addend = left === sum ? right : left;
  return next.output === sum || next.output === addend ? undefined : { sum, addend, norm: next };
}
