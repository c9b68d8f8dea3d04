import { deepFreeze, elementTypeOf, type LinearScheme, plain } from '@lowbit/core';
import { floatDTypes } from '../module-tensors.ts';
import type { QuantizationScheme } from '../quantization-scheme.ts';
import { schemeName } from '../scheme-name.ts';
import type { LibraryVersion } from '../word-packing.ts';
import { claimWeight } from './compressed-weight.ts';
import { claimActivations } from './input-activations.ts';

/** A linear as its group in `config_groups` says. */
export function compressedLinear(group: QuantizationScheme, version: LibraryVersion | undefined): LinearScheme {
  const scheme = schemeName(group);
  const { weights, inputActivations } = group;
  return {
    name: scheme,
    describe(module, tensors) {
      const { name, outFeatures } = module;
      const weight = claimWeight(weights, module, version, tensors);
      const bias = module.hasBias
        ? tensors.claim(`${name}.bias`, { dtype: floatDTypes, shape: [outFeatures] })
        : undefined;
      return deepFreeze({
        kind: 'linear',
        module: name,
        scheme,
        weight,
        ...(bias ? { bias: { ref: bias, type: elementTypeOf(bias.dtype), layout: plain('out') } } : {}),
        ...(inputActivations ? { activations: claimActivations(inputActivations, name, tensors) } : {}),
      });
    },
  };
}
