import {
  type Blocked,
  ConfigError,
  elementTypeOf,
  type LinearSpec,
  type QuantizedWeight,
  type Scale,
  type Stored,
  type TensorClaims,
  TensorError,
} from '@lowbit/core';
import { isElement, isInteger, type QuarkElement } from '../element-formats.ts';
import type { PackMethod } from '../export-settings.ts';
import {
  asVector,
  codesForm,
  codesMultiple,
  type Dimension,
  floatDTypes,
  type TensorForm,
  tableForm,
} from '../quark-layout.ts';
import { parameterName } from '../quark-names.ts';
import type { TensorSpec } from '../tensor-spec.ts';
import type { Written } from '../written.ts';

/** A stage of a weight that `refuseWeight` has let pass, where it stands in the list, and the stage that quantizes its scales. */
interface Stage {
  readonly spec: TensorSpec & { readonly dtype: QuarkElement };
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
  checkMultiple(last.spec.dtype, module);

  const codes = claim(tensors, `${name}.weight`, codesOf(last.spec, module, written.packMethod));
  const scales = stages.flatMap((stage) => claimScales(stage, module, tensors));
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

function codesOf(
  { dtype, granularity }: Stage['spec'],
  { outFeatures, inFeatures }: LinearSpec,
  packMethod: PackMethod,
) {
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
  const scale = { ...claim(tensors, name, olderOrientation(form, name, spec, tensors)), block };
  if (!scaleStage) return [scale];
  const second = parameterName(tensors, module.name, 'weight', 'scale', index + 1);
  const whole = [module.outFeatures, module.inFeatures] as const;
  return [scale, { ...claim(tensors, second, tableForm(floatDTypes, [])), block: whole }];
}

function fp8DTypes({ dtype }: TensorSpec) {
  return [dtype === 'fp8_e5m2' ? 'F8_E5M2' : 'F8_E4M3'] as const;
}

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
  return { ...claim(tensors, name, form), block: blockOf(spec, module) };
}

/** Dimensions of a table with one number per tensor, channel, group or block; tables of integers per group are transposed. */
function tableDimensions(
  { dtype, granularity, groupSize = -1, blockSize = [1, 1] }: Stage['spec'],
  module: LinearSpec,
): readonly Dimension[] {
  const rows = (size: number): Dimension => ({ axis: 'out', size });
  const columns = (size: number): Dimension => ({ axis: 'in', size });
  const { outFeatures, inFeatures } = module;
  switch (granularity) {
    case 'per_channel':
      return [rows(outFeatures)];
    case 'per_group': {
      const groups = columns(groupSize === -1 ? 1 : Math.ceil(inFeatures / groupSize));
      return isInteger(dtype) ? [groups, rows(outFeatures)] : [rows(outFeatures), groups];
    }
    case 'per_block':
      return [rows(outFeatures / blockSize[0]), columns(inFeatures / blockSize[1])];
    default:
      return [];
  }
}

function blockOf(
  { granularity, groupSize = -1, blockSize = [1, 1] }: TensorSpec,
  { outFeatures, inFeatures }: LinearSpec,
) {
  switch (granularity) {
    case 'per_channel':
      return [1, inFeatures] as const;
    case 'per_group':
      return [1, groupSize === -1 ? inFeatures : groupSize] as const;
    case 'per_block':
      return blockSize;
    default:
      return [outFeatures, inFeatures] as const;
  }
}

/** Before version 1 of its export, Quark did not transpose the scales of 4-bit groups; the shape tells. */
function olderOrientation(
  form: TensorForm,
  name: string,
  { dtype, granularity }: Stage['spec'],
  tensors: TensorClaims,
): TensorForm {
  const fourBits = dtype === 'int4' || dtype === 'uint4';
  const shape = [...form.shape].reverse();
  if (granularity !== 'per_group' || !fourBits || !sameShape(tensors.peek(name)?.shape, shape)) return form;
  if (sameShape(form.shape, shape)) return form;
  return { ...form, shape, layout: { ...form.layout, axes: [...form.layout.axes].reverse() } };
}

function sameShape(a: readonly number[] | undefined, b: readonly number[]): boolean {
  return a !== undefined && a.length === b.length && a.every((size, index) => size === b[index]);
}

/** Claims a tensor of this form; one number may also stand in a tensor of shape `[1]`. */
export function claim(tensors: TensorClaims, name: string, form: TensorForm): Stored {
  const single = form.shape.length === 0 && tensors.peek(name)?.shape.length === 1;
  const { dtype, shape, layout, type } = single ? asVector(form) : form;
  const ref = tensors.claim(name, { dtype, shape });
  return { ref, type: type ?? elementTypeOf(ref.dtype), layout };
}

function checkSizes({ file, field, dtype, groupSize = -1, blockSize }: Stage['spec'], module: LinearSpec): void {
  const { name, outFeatures, inFeatures } = module;
  const check = (size: number, by: number, what: string, key: string, actual: unknown) => {
    if (size % by === 0) return;
    throw new ConfigError({
      file,
      field: `${field}.${key}`,
      expected: `a divisor of ${size}, the ${what} features of ${name}`,
      actual,
      remedy: 'The settings and the model do not belong together, or this layer must be left unquantized.',
    });
  };
  // Groups of floats may end with a partial one; Quark fills it up with zeros when it looks for the largest number.
  if (groupSize !== -1 && isInteger(dtype)) check(inFeatures, groupSize, 'in', 'group_size', groupSize);
  if (blockSize) {
    check(outFeatures, blockSize[0], 'out', 'block_size', blockSize);
    check(inFeatures, blockSize[1], 'in', 'block_size', blockSize);
  }
}

function checkMultiple(dtype: QuarkElement, { name, inFeatures }: LinearSpec): void {
  const multiple = codesMultiple(dtype);
  if (inFeatures % multiple === 0) return;
  throw new TensorError({
    code: 'TENSOR_SHAPE',
    tensor: `${name}.weight`,
    expected: `a multiple of ${multiple} in features, as ${dtype} is packed`,
    actual: `${inFeatures} in features`,
    remedy: 'Such a module must be left unquantized.',
  });
}
