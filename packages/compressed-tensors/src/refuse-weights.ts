import type { Refusal } from '@lowbit/core';
import type { QuantizationArgs } from './quantization-args.ts';

/** Weights that a file cannot hold in quantized form. */
export function refuseWeights({ strategy, dynamic, section }: QuantizationArgs): Refusal | undefined {
  const what = dynamic !== false ? 'quantized at run time' : `with scales per ${strategy}`;
  if (dynamic === false && strategy !== 'token' && strategy !== 'attn_head') return undefined;
  return {
    by: 'compressed-tensors',
    code: 'WEIGHTS',
    message: `${section.path}: weights ${what} are not supported`,
  };
}

/** Floats beside scales: the library would round them when it runs them. */
export function refuseUncompressed(name: string, status: string | undefined): Refusal {
  return {
    by: 'compressed-tensors',
    code: 'NOT_COMPRESSED',
    message: `${name}.weight holds floats beside ${name}.weight_scale (quantization_status: ${status ?? 'absent'}): it was saved before it was compressed`,
    hint: 'save the model again with save_compressed=True',
  };
}
