import type { ActivationQuantization, LinearDescription, LinearExecution, ModuleDescription } from '@lowbit/core';

/**
 * Runs that reference implementations recorded beside the one that the checkpoint describes:
 * `divisor127`: 8-bit dynamic scales are the largest magnitude over 127 where the library takes 127.5;
 * `decoding`: every token as if the model had generated it.
 */
export type ExecutionVariant = 'divisor127' | 'decoding';

/** Every linear of a module, experts included. */
export function linearsOf(description: ModuleDescription): readonly LinearDescription[] {
  if (description.kind === 'linear') return [description];
  if (description.kind === 'moe') return description.experts.flatMap(({ gate, up, down }) => [gate, up, down]);
  return [];
}

export function varyModule(description: ModuleDescription, variant: ExecutionVariant): ModuleDescription {
  if (description.kind === 'linear') return varyLinear(description, variant);
  if (description.kind !== 'moe') return description;
  const experts = description.experts.map(({ gate, up, down }) => ({
    gate: varyLinear(gate, variant),
    up: varyLinear(up, variant),
    down: varyLinear(down, variant),
  }));
  return { ...description, experts };
}

/** The very same description where the variant makes no difference to it. */
export function varyLinear(description: LinearDescription, variant: ExecutionVariant): LinearDescription {
  const { decoding, activations, integer, ...rest } = description;
  if (variant === 'decoding') return decoding ? { ...rest, ...decoding } : description;
  const [varied, variedDecoding] = [divideBy127(description), decoding && divideBy127(decoding)];
  if (varied === description && variedDecoding === decoding) return description;
  return { ...description, ...varied, ...(variedDecoding ? { decoding: variedDecoding } : {}) };
}

function divideBy127<Execution extends LinearExecution>(execution: Execution): Execution {
  const { activations } = execution;
  if (activations?.scale.kind !== 'dynamic' || activations.scale.divisor !== 127.5) return execution;
  const varied: ActivationQuantization = { ...activations, scale: { ...activations.scale, divisor: 127 } };
  return { ...execution, activations: varied };
}
