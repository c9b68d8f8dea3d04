import type { LinearDescription, LinearExecution, ModuleDescription } from './description.ts';

/** Every linear of a module, experts included. */
export function linearsOf(description: ModuleDescription): readonly LinearDescription[] {
  if (description.kind === 'linear') return [description];
  if (description.kind === 'moe') return description.experts.flatMap(({ gate, up, down }) => [gate, up, down]);
  return [];
}

/** Of prompts, and of tokens that the model generated where they run differently. */
export function executionsOf(description: LinearDescription): readonly LinearExecution[] {
  return description.decoding ? [description, description.decoding] : [description];
}
