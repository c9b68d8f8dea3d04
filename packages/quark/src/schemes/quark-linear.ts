import {
  deepFreeze,
  elementTypeOf,
  type LinearScheme,
  type LinearSpec,
  plain,
  type QuantizedWeight,
  type TensorClaims,
} from '@lowbit/core';
import type { LayerSpec } from '../layer-spec.ts';
import { floatDTypes, tableForm } from '../quark-layout.ts';
import type { Written } from '../written.ts';
import { claimForm } from './claim-form.ts';
import { describeInput } from './input-quantization.ts';
import { schemeName } from './scheme-name.ts';
import { describeWeight } from './weight-stages.ts';

/**
 * `<module>.weight` with its scales and zero points, what static inputs need, and the bias where the architecture has
 * one. Weights may stay plain floats while inputs are quantized, and in fake-quantized exports they always are.
 */
export function quarkLinear(spec: LayerSpec, written: Written): LinearScheme {
  const name = schemeName(spec);
  const quantized = written.weightFormat === 'real_quantized' && quantizesWeight(spec);
  return {
    name,
    describe(module, tensors) {
      const weight = quantized ? describeWeight(spec.weight, module, written, tensors) : plainWeight(module, tensors);
      const activations = describeInput(spec.input, module, written, tensors);
      return deepFreeze({
        kind: 'linear',
        module: module.name,
        scheme: name,
        weight,
        ...claimBias(module, tensors),
        ...(activations ? { activations } : {}),
      });
    },
  };
}

/** `bfloat16` and `float16` are casts: nothing but the weight's dtype. */
export function quantizesWeight({ weight }: LayerSpec): boolean {
  return weight.some(({ dtype }) => dtype !== 'bfloat16' && dtype !== 'float16');
}

function plainWeight({ name, outFeatures, inFeatures }: LinearSpec, tensors: TensorClaims): QuantizedWeight {
  const ref = tensors.claim(`${name}.weight`, { dtype: floatDTypes, shape: [outFeatures, inFeatures] });
  return {
    outFeatures,
    inFeatures,
    codes: { ref, type: elementTypeOf(ref.dtype), layout: plain('out', 'in') },
    scales: [],
  };
}

function claimBias({ name, outFeatures, hasBias }: LinearSpec, tensors: TensorClaims) {
  return hasBias
    ? { bias: claimForm(tensors, `${name}.bias`, tableForm(floatDTypes, [{ axis: 'out', size: outFeatures }])) }
    : {};
}
