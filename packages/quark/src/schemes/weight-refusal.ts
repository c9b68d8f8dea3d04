import type { Refusal } from '@lowbit/core';
import { isElement, isInteger } from '../element-formats.ts';
import type { TensorSpec } from '../tensor-spec.ts';

/** A "no" to what one specification asks for. */
export function refuse(code: string, { field }: Pick<TensorSpec, 'field'>, message: string, hint?: string): Refusal {
  return { by: 'quark', code, message: `${field}: ${message}`, ...(hint ? { hint } : {}) };
}

/** Why weights with these stages cannot be read. */
export function refuseWeight(stages: readonly TensorSpec[]): Refusal | undefined {
  const [first, second] = stages;
  if (!first) return undefined;
  if (first.scaleQuant)
    return refuse('STAGES', first, 'a quantization of scales that comes first has no scales to quantize');
  if (stages.length > 2)
    return refuse('STAGES', first, `${stages.length} stages of quantization; at most two are read`);
  for (const stage of stages) {
    const refusal = stage.scaleQuant ? refuseScaleStage(stage) : refuseStage(stage);
    if (refusal) return refusal;
  }
  if (second && !second.scaleQuant && isElement(first.dtype) && isInteger(first.dtype)) {
    return refuse('STAGES', first, `${first.dtype} below ${second.dtype}: the first of two stages must be a float`);
  }
  return undefined;
}

function refuseScaleStage(stage: TensorSpec): Refusal | undefined {
  const { dtype, granularity, dynamic } = stage;
  if (dynamic) return refuse('DYNAMIC', stage, 'scales quantized at run time');
  if (dtype !== 'fp8_e4m3' && dtype !== 'fp8_e5m2')
    return refuse('DTYPE', stage, `scales as ${dtype}, needs fp8_e4m3 or fp8_e5m2`);
  if (granularity !== 'per_tensor')
    return refuse('GRANULARITY', stage, `scales quantized ${granularity}, needs per_tensor`);
  return undefined;
}

function refuseStage(stage: TensorSpec): Refusal | undefined {
  const { dtype, granularity, axis, dynamic, scaleFormat } = stage;
  if (!isElement(dtype)) return refuse('DTYPE', stage, `weights as ${dtype}`);
  if (dynamic) return refuse('DYNAMIC', stage, 'weights quantized at run time');
  if (scaleFormat === 'e5m3') return refuse('SCALE_FORMAT', stage, 'scales as e5m3');
  if (granularity === 'per_channel' && axis !== undefined && axis !== 0 && axis !== -2) {
    return refuse('AXIS', stage, `scales per channel of axis ${axis}, needs the output features (0)`);
  }
  if (granularity === 'per_group' && axis !== undefined && axis !== 1 && axis !== -1) {
    return refuse('AXIS', stage, `groups along axis ${axis}, needs the input features (-1)`);
  }
  const fine = dtype === 'fp4' || dtype.startsWith('fp6');
  if (fine && granularity !== 'per_group')
    return refuse('GRANULARITY', stage, `${dtype} ${granularity}, needs per_group`);
  if (granularity === 'per_block' && isInteger(dtype)) return refuse('GRANULARITY', stage, `${dtype} per_block`);
  if (dtype === 'int3' && granularity === 'per_tensor') return refuse('GRANULARITY', stage, 'int3 per_tensor');
  return undefined;
}
