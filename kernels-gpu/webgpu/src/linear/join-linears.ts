import type { LinearDescription, ModelProgram, ModuleDescription, Numerics } from '@lowbit/core';
import { weightForm } from '../weights/weight-form.ts';

/** Most linears of one input that a dispatch makes: each output is a binding of its own, of which there are 8. */
const mostParts = 3;

/** Names of linears that run as one: over one input, kept alike, with activations as they come. */
export function linearsToJoin(
  { operations }: ModelProgram,
  descriptions: ReadonlyMap<string, ModuleDescription>,
  numerics: Numerics,
): readonly (readonly string[])[] {
  const uses = new Map<string, number>();
  for (const operation of operations) {
    const names = operation.kind === 'linear' ? operation.parts.map(({ module }) => module) : [];
    if (operation.kind === 'logits') names.push(operation.module);
    for (const name of names) uses.set(name, (uses.get(name) ?? 0) + 1);
  }
  return operations.flatMap((operation) => {
    if (operation.kind !== 'linear') return [];
    const { parts } = operation;
    const names = parts.map(({ module }) => module);
    const outputs = new Set(parts.map(({ output }) => output));
    const apart =
      outputs.size < parts.length || outputs.has(operation.input) || names.some((name) => uses.get(name) !== 1);
    if (apart || parts.length < 2 || parts.length > mostParts) return [];
    const kept = names.map((name) => howKept(descriptions.get(name) as LinearDescription, numerics));
    return kept[0] !== undefined && kept.every((one) => one === kept[0]) ? [names] : [];
  });
}

/** What joined linears share, as text; undefined for one that runs alone. */
function howKept({ weight, bias, activations, decoding }: LinearDescription, numerics: Numerics): string | undefined {
  const form = weightForm(weight);
  if (form.indexed || (numerics !== 'exact' && (activations || decoding))) return undefined;
  return JSON.stringify([form, bias !== undefined]);
}

/** Under which joined linears are kept. */
export function joinedName(names: readonly string[]): string {
  return names.join(' + ');
}
