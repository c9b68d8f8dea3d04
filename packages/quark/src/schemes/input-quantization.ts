import type {
  ActivationGranularity,
  ActivationQuantization,
  DynamicScale,
  LinearSpec,
  Refusal,
  TensorClaims,
} from '@lowbit/core';
import { elements, isElement, isInteger, powerOfTwoDivisor, scaleDivisor } from '../element-formats.ts';
import { codesForm, floatDTypes, tableForm } from '../quark-layout.ts';
import { parameterName } from '../quark-names.ts';
import type { TensorSpec } from '../tensor-spec.ts';
import type { Written } from '../written.ts';
import { claimForm } from './claim-form.ts';
import { refuse } from './weight-refusal.ts';
import type { ElementSpec } from './weight-tables.ts';

/** Why inputs cannot be quantized like this. */
export function refuseInput(stages: readonly TensorSpec[]): Refusal | undefined {
  const [first, second] = stages;
  if (!first) return undefined;
  const { dtype, symmetric, floatZeroPoint, dynamic } = first;
  if (stages.length > 2 || (second && !second.scaleQuant)) {
    return refuse('STAGES', first, `inputs in ${stages.length} stages; one is read, and one for its scales`);
  }
  if (first.scaleQuant)
    return refuse('STAGES', first, 'a quantization of scales that comes first has no scales to quantize');
  if (!isElement(dtype)) return refuse('DTYPE', first, `inputs as ${dtype}`);
  if (dynamic === undefined)
    return refuse('DYNAMIC', first, 'is_dynamic is not set: whether scales are stored is unknown');
  if (isInteger(dtype) && symmetric === undefined)
    return refuse('SYMMETRIC', first, `${dtype} inputs without symmetric`);
  if (isInteger(dtype) && !symmetric && floatZeroPoint)
    return refuse('ZERO_POINT', first, 'zero points that are floats');
  return dynamic ? refuseDynamic({ ...first, dtype }, second) : refuseStatic(first, second);
}

function refuseStatic(spec: TensorSpec, second: TensorSpec | undefined): Refusal | undefined {
  if (second) return refuse('STAGES', second, 'stored scales that are quantized again');
  if (spec.granularity === 'per_tensor') return undefined;
  return refuse('GRANULARITY', spec, `static inputs ${spec.granularity}, needs per_tensor`, 'use dynamic inputs');
}

function refuseDynamic(spec: ElementSpec, second: TensorSpec | undefined): Refusal | undefined {
  const { dtype, granularity, axis, scaleFormat, scaleType } = spec;
  if (granularity === 'per_block') return refuse('GRANULARITY', spec, 'dynamic inputs per_block');
  // Inputs are [batch, tokens, features], or [tokens, features].
  if (granularity === 'per_channel' && axis !== undefined && ![0, 1, -2].includes(axis)) {
    return refuse('AXIS', spec, `scales per channel of axis ${axis}, needs the tokens (1)`);
  }
  if (granularity === 'per_group' && axis !== undefined && ![-1, 2].includes(axis)) {
    return refuse('AXIS', spec, `groups along axis ${axis}, needs the features (-1)`);
  }
  if (scaleFormat === 'e4m3') return refuse('SCALE_FORMAT', spec, 'scales as e4m3 of the largest number in the batch');
  if (scaleFormat === 'e5m3') return refuse('SCALE_FORMAT', spec, 'scales as e5m3');
  if (scaleFormat === 'e8m0' && isInteger(dtype))
    return refuse('SCALE_FORMAT', spec, `${dtype} inputs with e8m0 scales`);
  if (scaleFormat === undefined && (dtype === 'fp4' || dtype.startsWith('fp6'))) {
    return refuse('SCALE_FORMAT', spec, `${dtype} inputs without scale_format`);
  }
  if (scaleType === 'pof2' || scaleType === 'float8_e5m3' || scaleType === 'float8_e8m0fnu') {
    return refuse('SCALE_TYPE', spec, `dynamic scales of type ${scaleType}`);
  }
  if (!second) return undefined;
  if (scaleFormat === 'e8m0') return refuse('STAGES', second, 'e8m0 scales that are quantized again');
  if (second.dynamic !== false || second.granularity !== 'per_tensor') {
    return refuse('STAGES', second, 'scales quantized other than static per_tensor');
  }
  if (second.dtype === 'fp8_e4m3' || second.dtype === 'fp8_e5m2') return undefined;
  return refuse('DTYPE', second, `scales as ${second.dtype}, needs fp8_e4m3 or fp8_e5m2`);
}

/**
 * Inputs that `refuseInput` has let pass. Quark's CPU code rounds halves to even whatever `round_method` says, and
 * multiplies integers by the reciprocal of a dynamic scale.
 * @throws TensorError
 */
export function describeInput(
  stages: readonly TensorSpec[],
  module: LinearSpec,
  written: Written,
  tensors: TensorClaims,
): ActivationQuantization | undefined {
  const [spec, second] = stages;
  if (!spec || !isElement(spec.dtype)) return undefined;
  const { dtype } = spec;
  const scale = spec.dynamic
    ? dynamicScale({ ...spec, dtype }, second, module, tensors)
    : staticScale({ ...spec, dtype }, module, written, tensors);
  const reciprocal = isInteger(dtype) && scale.kind === 'dynamic' ? { reciprocal: true as const } : {};
  return { type: elements[dtype], granularity: granularityOf(spec), scale, rounding: 'half-even', ...reciprocal };
}

function granularityOf({ granularity, groupSize = -1 }: TensorSpec): ActivationGranularity {
  if (granularity === 'per_tensor') return { kind: 'tensor' };
  return granularity === 'per_group' && groupSize !== -1 ? { kind: 'group', size: groupSize } : { kind: 'token' };
}

function staticScale(
  { dtype, symmetric }: ElementSpec,
  { name }: LinearSpec,
  { zeroPoints }: Written,
  tensors: TensorClaims,
) {
  const scaleName = parameterName(tensors, name, 'input', 'scale', 0);
  const zeroName = parameterName(tensors, name, 'input', 'zero_point', 0);
  const scale = claimForm(tensors, scaleName, tableForm(floatDTypes, []));
  const hasZero = isInteger(dtype) && (!symmetric || zeroPoints.input);
  const zero = hasZero ? claimForm(tensors, zeroName, codesForm(dtype, [], 'order')) : undefined;
  return { kind: 'static', scale, ...(zero ? { zero } : {}) } as const;
}

/** Scales that are quantized too (NVFP4) are divided by a stored number before they are rounded. */
function dynamicScale(
  { dtype, symmetric = true, scaleFormat, scaleType, scaleCalculationMode = 'even' }: ElementSpec,
  second: TensorSpec | undefined,
  { name }: LinearSpec,
  tensors: TensorClaims,
): DynamicScale {
  const scale = { kind: 'dynamic', symmetric: symmetric || !isInteger(dtype) } as const;
  const powerOfTwo = scaleFormat === 'e8m0' ? powerOfTwoDivisor(dtype, scaleCalculationMode) : undefined;
  if (powerOfTwo !== undefined) return { ...scale, divisor: powerOfTwo, scaleType: 'e8m0' };
  const divisor = scaleDivisor(dtype, scale.symmetric);
  if (second && isElement(second.dtype)) {
    const globalScale = claimForm(
      tensors,
      parameterName(tensors, name, 'input', 'scale', 1),
      tableForm(floatDTypes, []),
    );
    return { ...scale, divisor, scaleType: elements[second.dtype], globalScale };
  }
  if (scaleType === 'float16') return { ...scale, divisor, scaleType: 'f16' };
  if (scaleType === 'bfloat16') return { ...scale, divisor, scaleType: 'bf16' };
  return { ...scale, divisor };
}
