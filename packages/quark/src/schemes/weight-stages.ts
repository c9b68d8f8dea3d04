import type { Blocked, LinearSpec, QuantizedWeight, Scale, TensorClaims } from '@lowbit/core';
import { isElement, isInteger } from '../element-formats.ts';
import type { PackMethod } from '../export-settings.ts';
import { codesForm, type Dimension, floatDTypes, tableForm } from '../quark-layout.ts';
import { parameterName } from '../quark-names.ts';
import type { TensorSpec } from '../tensor-spec.ts';
import type { Written } from '../written.ts';
import { checkSizes } from './check-sizes.ts';
import { claimForm } from './claim-form.ts';
import { blockOf, type ElementSpec, olderOrientation, tableDimensions } from './weight-tables.ts';

/** A stage of a weight that `refuseWeight` has let pass, where it stands in the list, and the stage that quantizes its scales. */
interface Stage {
  readonly spec: ElementSpec;
  readonly index: number;
  readonly scaleStage: TensorSpec | undefined;
}

/**
 * The stages of a weight, last one first: its codes are in the file, and
 *
 * ```
 * one stage              weight = (code - zero) * scale
 * scales quantized too   weight = code * scale * scale_2              NVFP4
 * two stages             weight = (code - zero_2) * scale_2 * scale   the codes of fp8 numbers, quantized again
 * ```
 * @throws ConfigError for sizes that do not divide the layer's; TensorError
 */
export function describeWeight(
  specs: readonly TensorSpec[],
  module: LinearSpec,
  written: Written,
  tensors: TensorClaims,
): QuantizedWeight {
  const stages = stagesOf(specs).reverse();
  const [last] = stages;
  if (!last) throw new Error(`${module.name}: no stages`);
  const { outFeatures, inFeatures, name } = module;
  for (const { spec } of stages) checkSizes(spec, module);

  const codes = claimForm(tensors, `${name}.weight`, codesOf(last.spec, module, written.packMethod));
  const scales = stages.flatMap((stage, undone): readonly Scale[] => {
    const [first, ...others] = claimScales(stage, module, tensors);
    // What one stage gives back is rounded before the next stage's scale meets it.
    return first ? [{ ...first, ...(undone > 0 ? { afterwards: true } : {}) }, ...others] : [];
  });
  const zero = claimZero(last, module, written, tensors);
  return { outFeatures, inFeatures, codes, scales, ...(zero ? { zero } : {}) };
}

function stagesOf(specs: readonly TensorSpec[]): Stage[] {
  return specs.flatMap((spec, index) => {
    const { dtype } = spec;
    if (spec.scaleQuant || !isElement(dtype)) return [];
    const next = specs[index + 1];
    return [{ spec: { ...spec, dtype }, index, scaleStage: next?.scaleQuant ? next : undefined }];
  });
}

function codesOf({ dtype, granularity }: ElementSpec, { outFeatures, inFeatures }: LinearSpec, packMethod: PackMethod) {
  const out: Dimension = { axis: 'out', size: outFeatures };
  const into: Dimension = { axis: 'in', size: inFeatures };
  const transposed = granularity === 'per_group' && isInteger(dtype) && dtype !== 'int3';
  return codesForm(dtype, transposed ? [into, out] : [out, into], packMethod);
}

function claimScales({ spec, index, scaleStage }: Stage, module: LinearSpec, tensors: TensorClaims): readonly Scale[] {
  const name = parameterName(tensors, module.name, 'weight', 'scale', index);
  const powers = spec.scaleFormat === 'e8m0';
  const dtype = scaleStage ? fp8DTypes(scaleStage) : powers ? (['U8', 'F8_E8M0'] as const) : floatDTypes;
  const form = tableForm(dtype, tableDimensions(spec, module), powers && !scaleStage ? 'e8m0' : undefined);
  const block = blockOf(spec, module);
  const scale = { ...claimForm(tensors, name, olderOrientation(form, name, spec, tensors)), block };
  if (!scaleStage) return [scale];
  const second = parameterName(tensors, module.name, 'weight', 'scale', index + 1);
  const whole = [module.outFeatures, module.inFeatures] as const;
  return [scale, { ...claimForm(tensors, second, tableForm(floatDTypes, [])), block: whole }];
}

function fp8DTypes({ dtype }: TensorSpec) {
  return [dtype === 'fp8_e5m2' ? 'F8_E5M2' : 'F8_E4M3'] as const;
}

/** Zero points are used whatever they hold: symmetric quantizations store zeros. */
function claimZero(
  { spec, index }: Stage,
  module: LinearSpec,
  { packMethod, zeroPoints }: Written,
  tensors: TensorClaims,
): Blocked | undefined {
  if (!isInteger(spec.dtype) || (spec.symmetric && !zeroPoints.weight)) return undefined;
  const name = parameterName(tensors, module.name, 'weight', 'zero_point', index);
  const dimensions = tableDimensions(spec, module);
  // The rows of int3 are not turned, and neither are those of its zero points.
  const turned = spec.dtype === 'int3' ? [...dimensions].reverse() : dimensions;
  const form = spec.floatZeroPoint ? tableForm(floatDTypes, dimensions) : codesForm(spec.dtype, turned, packMethod);
  return { ...claimForm(tensors, name, form), block: blockOf(spec, module) };
}
