import type { ModuleDescription } from './description.ts';
import type { Stored } from './layout.ts';
import type { QuantizedWeight } from './quantized-weight.ts';
import type { TensorRef } from './tensor-ref.ts';

/** Every tensor a description points at. */
export function tensorsOf(description: ModuleDescription): readonly TensorRef[] {
  switch (description.kind) {
    case 'linear': {
      const { weight, bias, activations, integer } = description;
      const constants: (Stored | undefined)[] = [bias, integer?.accumulatorBias, integer?.outputScale];
      if (activations?.scale.kind === 'static') constants.push(activations.scale.scale, activations.scale.zero);
      if (activations?.scale.kind === 'dynamic') constants.push(activations.scale.globalScale);
      return refs([...tablesOf(weight), ...constants]);
    }
    case 'embedding':
      return refs(tablesOf(description.weight));
    case 'norm':
      return refs([description.weight]);
    case 'kvCache':
      return [];
  }
}

/** Bytes on disk of the tensors a description points at. */
export function storedBytes(description: ModuleDescription): number {
  return tensorsOf(description).reduce((sum, ref) => sum + (ref.end - ref.start), 0);
}

function tablesOf({ codes, scales, zero, shift, groupIndex }: QuantizedWeight): (Stored | undefined)[] {
  return [codes, ...scales, zero, shift, groupIndex];
}

function refs(stored: readonly (Stored | undefined)[]): readonly TensorRef[] {
  return stored.flatMap((one) => (one ? [one.ref] : []));
}
