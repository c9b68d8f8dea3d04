import type { UnusedRule } from '@lowbit/core';
import type { CompressedTensorsSettings } from './compressed-tensors-settings.ts';
import { isMx } from './scale-types.ts';
import { linearClasses } from './targets.ts';

/** Tensors that writers leave beside a linear's own. */
export function strayTensors({ findScheme }: CompressedTensorsSettings): readonly UnusedRule[] {
  const inputOf = (tensor: string, suffix: string) => {
    if (!tensor.endsWith(suffix)) return undefined;
    return findScheme({ name: tensor.slice(0, -suffix.length), classes: linearClasses })?.inputActivations;
  };
  return [
    {
      reason: 'a global scale of inputs in an MX scheme, which has none',
      matches(name) {
        const inputs = inputOf(name, '.input_global_scale');
        return inputs !== undefined && isMx(inputs);
      },
    },
    {
      reason: 'zero points of inputs that are quantized symmetrically',
      onlyZeros: true,
      matches: (name) => inputOf(name, '.input_zero_point')?.symmetric === true,
    },
  ];
}
