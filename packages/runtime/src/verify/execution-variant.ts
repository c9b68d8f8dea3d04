import {
  type ActivationQuantization,
  type LinearDescription,
  type LinearExecution,
  linearsOf,
  type ModuleDescription,
} from '@lowbit/core';

/**
 * Runs that reference implementations recorded beside the one that the checkpoint describes:
 * `divisor127`: 8-bit dynamic scales are the largest magnitude over 127 where the library takes 127.5;
 * `decoding`: every token as if the model had generated it;
 * `plainActivations`, `plainCache`: inputs of linears, or keys and values, are left as they are.
 */
export type ExecutionVariant = 'divisor127' | 'decoding' | 'plainActivations' | 'plainCache';

/** The very same description where the variant makes no difference to it. */
export function varyModule(description: ModuleDescription, variant: ExecutionVariant): ModuleDescription {
  switch (description.kind) {
    case 'linear':
      return varyLinear(description, variant);
    case 'moe': {
      if (linearsOf(description).every((linear) => varyLinear(linear, variant) === linear)) return description;
      const experts = description.experts.map(({ gate, up, down }) => ({
        gate: varyLinear(gate, variant),
        up: varyLinear(up, variant),
        down: varyLinear(down, variant),
      }));
      return { ...description, experts };
    }
    case 'kvCache': {
      if (variant !== 'plainCache' || description.type === 'f32') return description;
      const { quantization, ...rest } = description;
      return { ...rest, type: 'f32' };
    }
    case 'embedding':
    case 'norm':
    case 'vector':
      return description;
  }
}

export function varyLinear(description: LinearDescription, variant: ExecutionVariant): LinearDescription {
  const { decoding, activations, integer, ...rest } = description;
  switch (variant) {
    case 'plainCache':
      return description;
    case 'plainActivations':
      return decoding || activations || integer ? rest : description;
    case 'decoding':
      return decoding ? { ...rest, ...decoding } : description;
    case 'divisor127': {
      const [varied, variedDecoding] = [divideBy127(description), decoding && divideBy127(decoding)];
      if (varied === description && variedDecoding === decoding) return description;
      return { ...description, ...varied, ...(variedDecoding ? { decoding: variedDecoding } : {}) };
    }
  }
}

function divideBy127<Execution extends LinearExecution>(execution: Execution): Execution {
  const { activations } = execution;
  if (activations?.scale.kind !== 'dynamic' || activations.scale.divisor !== 127.5) return execution;
  const varied: ActivationQuantization = { ...activations, scale: { ...activations.scale, divisor: 127 } };
  return { ...execution, activations: varied };
}
