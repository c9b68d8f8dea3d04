import type { DescriptionOf, LinearDescription } from './description.ts';
import { describeExperts } from './experts.ts';
import { type Layout, plain, type Stored, whole } from './layout.ts';
import type { ModuleSpec, MoeSpec } from './module-spec.ts';
import type { QuantizedWeight } from './quantized-weight.ts';
import type { TensorClaims } from './tensor-ledger.ts';
import { elementTypeOf } from './tensor-ref.ts';

const floats = ['F32', 'F16', 'BF16'] as const;

/**
 * A module whose weights are plain floats: `<name>.weight`, and `<name>.bias` where the architecture has one, or where a
 * norm got one from smoothing. Experts are linears of their own, or slices of the fused tensors `<name>.gate_up_proj`
 * `[expert, 2 * intermediate, hidden]` and `<name>.down_proj` `[expert, hidden, intermediate]`. A vector is the tensor
 * `<name>` itself. A KV cache is kept in f32.
 * @throws TensorError
 */
export function describeUnquantized<Spec extends ModuleSpec>(
  spec: Spec,
  tensors: TensorClaims,
): DescriptionOf<Spec['kind']>;
export function describeUnquantized(spec: ModuleSpec, tensors: TensorClaims): DescriptionOf<ModuleSpec['kind']> {
  const { name } = spec;
  const common = { module: name, scheme: 'unquantized' } as const;
  switch (spec.kind) {
    case 'linear': {
      const weight = claimMatrix(tensors, `${name}.weight`, spec.outFeatures, spec.inFeatures);
      const bias = spec.hasBias ? { bias: claimVector(tensors, `${name}.bias`, spec.outFeatures) } : {};
      return { kind: 'linear', ...common, weight, ...bias };
    }
    case 'moe':
      return tensors.has(`${name}.gate_up_proj`)
        ? describeFusedExperts(spec, tensors)
        : describeExperts(spec, 'unquantized', (linear) => describeUnquantized(linear, tensors));
    case 'embedding': {
      const weight = claimMatrix(tensors, `${name}.weight`, spec.vocabSize, spec.hiddenSize);
      return { kind: 'embedding', ...common, weight };
    }
    case 'norm': {
      const weight = claimVector(tensors, `${name}.weight`, spec.size);
      const bias = tensors.has(`${name}.bias`) ? { bias: claimVector(tensors, `${name}.bias`, spec.size) } : {};
      return { kind: 'norm', ...common, weight, ...bias };
    }
    case 'kvCache': {
      const { kind, numKvHeads, headSize, valueHeadSize } = spec;
      const values = valueHeadSize === undefined ? {} : { valueHeadSize };
      return { kind, ...common, type: 'f32', numKvHeads, headSize, ...values };
    }
    case 'vector':
      return { kind: 'vector', ...common, vector: claimVector(tensors, name, spec.size) };
  }
}

function describeFusedExperts(block: MoeSpec, tensors: TensorClaims) {
  const { name, numExperts, hiddenSize, intermediateSize } = block;
  const claim = (suffix: string, ...shape: readonly number[]) =>
    tensors.claim(`${name}.${suffix}`, { dtype: floats, shape: [numExperts, ...shape] });
  const gateUp = claim('gate_up_proj', 2 * intermediateSize, hiddenSize);
  const down = claim('down_proj', hiddenSize, intermediateSize);
  const layout: Layout = { axes: [[whole('expert')], [whole('out')], [whole('in')]] };
  const origins = { gate: 0, up: intermediateSize, down: 0 };
  return describeExperts(block, 'unquantized', (linear, expert, projection): LinearDescription => {
    const ref = projection === 'down' ? down : gateUp;
    const origin = { expert, out: origins[projection] };
    const codes: Stored = { ref, type: elementTypeOf(ref.dtype), layout, origin };
    const { name: module, outFeatures, inFeatures } = linear;
    return { kind: 'linear', module, scheme: 'unquantized', weight: { outFeatures, inFeatures, codes, scales: [] } };
  });
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
