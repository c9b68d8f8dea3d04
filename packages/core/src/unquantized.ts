import type { DescriptionOf } from './description.ts';
import { plain, type Stored } from './layout.ts';
import type { EmbeddingSpec, KvCacheSpec, LinearSpec, NormSpec } from './module-spec.ts';
import type { QuantizedWeight } from './quantized-weight.ts';
import type { TensorClaims } from './tensor-ledger.ts';
import { elementTypeOf } from './tensor-ref.ts';

const floats = ['F32', 'F16', 'BF16'] as const;

/**
 * A module whose weights are plain floats: `<name>.weight`, and `<name>.bias` where the architecture has one, or where a
 * norm got one from smoothing. A KV cache is kept in f32.
 * @throws TensorError
 */
export function describeUnquantized<Spec extends LinearSpec | EmbeddingSpec | KvCacheSpec | NormSpec>(
  spec: Spec,
  tensors: TensorClaims,
): DescriptionOf<Spec['kind']>;
export function describeUnquantized(
  spec: LinearSpec | EmbeddingSpec | KvCacheSpec | NormSpec,
  tensors: TensorClaims,
): DescriptionOf<(typeof spec)['kind']> {
  const { name } = spec;
  const common = { module: name, scheme: 'unquantized' } as const;
  switch (spec.kind) {
    case 'linear': {
      const weight = claimMatrix(tensors, `${name}.weight`, spec.outFeatures, spec.inFeatures);
      const bias = spec.hasBias ? { bias: claimVector(tensors, `${name}.bias`, spec.outFeatures) } : {};
      return { kind: 'linear', ...common, weight, ...bias };
    }
    case 'embedding': {
      const weight = claimMatrix(tensors, `${name}.weight`, spec.vocabSize, spec.hiddenSize);
      return { kind: 'embedding', ...common, weight };
    }
    case 'norm': {
      const weight = claimVector(tensors, `${name}.weight`, spec.size);
      const bias = tensors.has(`${name}.bias`) ? { bias: claimVector(tensors, `${name}.bias`, spec.size) } : {};
      return { kind: 'norm', ...common, weight, ...bias };
    }
    case 'kvCache':
      return { kind: 'kvCache', ...common, type: 'f32', numKvHeads: spec.numKvHeads, headSize: spec.headSize };
  }
}

function claimMatrix(tensors: TensorClaims, name: string, outFeatures: number, inFeatures: number): QuantizedWeight {
  const ref = tensors.claim(name, { dtype: floats, shape: [outFeatures, inFeatures] });
  const codes: Stored = { ref, type: elementTypeOf(ref.dtype), layout: plain('out', 'in') };
  return { outFeatures, inFeatures, codes, scales: [] };
}

function claimVector(tensors: TensorClaims, name: string, size: number): Stored {
  const ref = tensors.claim(name, { dtype: floats, shape: [size] });
  return { ref, type: elementTypeOf(ref.dtype), layout: plain('out') };
}
