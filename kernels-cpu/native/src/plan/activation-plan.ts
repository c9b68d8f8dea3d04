import type { ActivationQuantization, ElementType, TensorBytes } from '@lowbit/core';
import { readTable } from './tensor-source.ts';

/** `ActivationQuantizer` of the addon: static with `scales`, dynamic with `divisor`. */
export interface ActivationPlan {
  readonly type: ElementType;
  readonly groupSize: number;
  readonly rounding: ActivationQuantization['rounding'];
  readonly zeroFirst: boolean;
  readonly reciprocal: boolean;
  readonly scales?: Float32Array;
  readonly zeros?: Float32Array;
  readonly symmetric?: boolean;
  readonly divisor?: number;
  readonly scaleType?: ElementType;
  readonly globalScale?: number;
  readonly globalDivides?: boolean;
}

export async function planActivations(
  activations: ActivationQuantization,
  inFeatures: number,
  bytes: TensorBytes,
): Promise<ActivationPlan> {
  const { type, granularity, rounding, zeroFirst = false, reciprocal = false, scale } = activations;
  const groupSize = granularity.kind === 'group' ? granularity.size : inFeatures;
  const common = { type, groupSize, rounding, zeroFirst, reciprocal };
  if (scale.kind === 'static') {
    const groups = [['in', Math.ceil(inFeatures / groupSize)]] as const;
    const scales = await readTable(scale.scale, bytes, groups);
    return { ...common, scales, ...(scale.zero ? { zeros: await readTable(scale.zero, bytes, groups) } : {}) };
  }
  const { symmetric, divisor, scaleType, globalScale } = scale;
  const [global = 1] = globalScale ? await readTable(globalScale, bytes, []) : [];
  return {
    ...common,
    symmetric,
    divisor,
    ...(scaleType === undefined ? {} : { scaleType }),
    globalScale: global,
    globalDivides: globalScale?.divide ?? false,
  };
}
