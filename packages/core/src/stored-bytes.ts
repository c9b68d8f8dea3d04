import type { LinearExecution, ModuleDescription } from './description.ts';
import type { Stored } from './layout.ts';
import type { QuantizedWeight } from './quantized-weight.ts';
import type { TensorRef } from './tensor-ref.ts';

/** Every tensor a description points at. */
export function tensorsOf(description: ModuleDescription): readonly TensorRef[] {
  switch (description.kind) {
    case 'linear': {
      const { weight, bias, decoding = {} } = description;
      return refs([...tablesOf(weight), bias, ...constantsOf(description), ...constantsOf(decoding)]);
    }
    case 'moe': {
      const linears = description.experts.flatMap(({ gate, up, down }) => [gate, up, down]);
      return [...new Set(linears.flatMap(tensorsOf))];
    }
    case 'embedding':
      return refs(tablesOf(description.weight));
    case 'norm':
      return refs([description.weight, description.bias]);
    case 'vector':
      return refs([description.vector]);
    case 'kvCache': {
      const { key, value } = description.quantization ?? {};
      return refs([key?.scale, key?.zero, value?.scale, value?.zero]);
    }
  }
}

/** Bytes on disk of the tensors a description points at. */
export function storedBytes(description: ModuleDescription): number {
  return tensorsOf(description).reduce((sum, ref) => sum + (ref.end - ref.start), 0);
}

function constantsOf({ activations, integer }: LinearExecution): (Stored | undefined)[] {
  const scale = activations?.scale;
  const scales = scale?.kind === 'static' ? [scale.scale, scale.zero] : [scale?.globalScale];
  return [integer?.accumulatorBias, integer?.outputScale, ...scales];
}

function tablesOf({ codes, scales, zero, shift, groupIndex }: QuantizedWeight): (Stored | undefined)[] {
  return [codes, ...scales, zero, shift, groupIndex];
}

/** The tensors behind, each once. */
function refs(stored: readonly (Stored | undefined)[]): readonly TensorRef[] {
  return [...new Set(stored.flatMap((one) => (one ? [one.ref] : [])))];
}
