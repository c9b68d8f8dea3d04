import { deepFreeze, elementTypeOf, type LinearScheme, plain } from '@lowbit/core';

const floats = ['F32', 'BF16', 'F16'] as const;

/**
 * `<module>.weight` e4m3 `[out, in]` and `<module>.weight_scale_inv`, which multiplies in spite of its name:
 *
 * ```
 * w[o,i] = weight[o,i] * weight_scale_inv[floor(o / rows), floor(i / cols)]
 * ```
 *
 * Activations become e4m3 at run time, with a scale for each token and each run of `cols` features: largest magnitude / 448.
 */
export function fp8Linear([rows, cols]: readonly [rows: number, cols: number]): LinearScheme {
  return {
    name: 'w8a8-fp8',
    describe({ name, outFeatures, inFeatures, hasBias }, tensors) {
      const weight = tensors.claim(`${name}.weight`, { dtype: ['F8_E4M3'], shape: [outFeatures, inFeatures] });
      const scale = tensors.claim(`${name}.weight_scale_inv`, {
        dtype: floats,
        shape: [Math.ceil(outFeatures / rows), Math.ceil(inFeatures / cols)],
      });
      const bias = hasBias ? tensors.claim(`${name}.bias`, { dtype: floats, shape: [outFeatures] }) : undefined;
      return deepFreeze({
        kind: 'linear',
        module: name,
        scheme: 'w8a8-fp8',
        weight: {
          outFeatures,
          inFeatures,
          codes: { ref: weight, type: 'f8e4m3', layout: plain('out', 'in') },
          scales: [{ ref: scale, type: elementTypeOf(scale.dtype), layout: plain('out', 'in'), block: [rows, cols] }],
        },
        ...(bias ? { bias: { ref: bias, type: elementTypeOf(bias.dtype), layout: plain('out') } } : {}),
        activations: {
          type: 'f8e4m3',
          granularity: { kind: 'group', size: cols },
          scale: { kind: 'dynamic', symmetric: true, divisor: 448 },
          rounding: 'half-even',
        },
      });
    },
  };
}
