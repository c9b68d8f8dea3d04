import { executionsOf, linearsOf, type ModuleDescription, type Numerics } from '@lowbit/core';

/**
 * Numerics where the caller names none: `fast`, unless a linear quantizes its activations. What the checkpoint says of
 * activations is kept to; where it says nothing, kernels may approximate.
 */
export function chooseNumerics(descriptions: readonly ModuleDescription[]): Numerics {
  const quantizesActivations = descriptions
    .flatMap(linearsOf)
    .flatMap(executionsOf)
    .some(({ activations }) => activations !== undefined);
  return quantizesActivations ? 'faithful' : 'fast';
}
