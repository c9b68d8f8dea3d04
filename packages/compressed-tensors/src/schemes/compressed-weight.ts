import type { Blocked, DType, QuantizedWeight, Scale, Stored, TensorClaims } from '@lowbit/core';
import { claimTable, floatDTypes, scalarForms, type WeightShape } from '../module-tensors.ts';
import type { QuantizationArgs } from '../quantization-args.ts';
import { isMx } from '../scale-types.ts';
import { weightTable } from '../weight-tables.ts';
import type { LibraryVersion } from '../word-packing.ts';
import { claimPlain } from './naive-quantized.ts';
import { claimPacked, type PackedWeight } from './pack-quantized.ts';
import { claimPackedFloats } from './packed-float.ts';

const exponents: readonly DType[] = ['U8', 'F8_E8M0'];

/**
 * What `<module>.weight*` mean. A group index counts wherever it is stored, zero points of a symmetric scheme too.
 *
 * ```
 * W = (code - weight_zero_point) * weight_scale / weight_global_scale
 * ```
 *
 * @throws TensorError; ConfigError for groups that do not divide the input
 */
export function claimWeight(
  args: QuantizationArgs | undefined,
  shape: WeightShape,
  version: LibraryVersion | undefined,
  tensors: TensorClaims,
): QuantizedWeight {
  const { name, outFeatures, inFeatures } = shape;
  if (!args) return { outFeatures, inFeatures, codes: claimPlain(undefined, shape, tensors), scales: [] };
  const { block, forms } = weightTable(args, shape);
  const packed = claimCodes(args, shape, Math.ceil(inFeatures / block[1]), version, tensors);
  const indexed =
    args.strategy === 'group' || args.strategy === 'tensor_group' ? claimGroupIndex(args, shape, tensors) : {};
  const blocked = <Table extends Stored>(table: Table): Table & Blocked => ({
    ...table,
    block,
    ...(indexed.groupIndex ? { indexed: true } : {}),
  });
  const scale = claimTable(tensors, `${name}.weight_scale`, scaleDTypes(args), forms);
  const zero = packed.zero ?? claimZero(args, name, forms, tensors);
  return {
    outFeatures,
    inFeatures,
    codes: packed.codes,
    scales: [
      blocked(scale.ref.dtype === 'U8' ? { ...scale, type: 'e8m0' } : scale),
      ...claimGlobalScale(args, shape, tensors),
    ],
    ...(zero ? { zero: blocked(zero) } : {}),
    ...indexed,
  };
}

function claimCodes(
  args: QuantizationArgs,
  shape: WeightShape,
  groups: number,
  version: LibraryVersion | undefined,
  tensors: TensorClaims,
): PackedWeight {
  const { type, numBits } = args;
  if (type === 'float' && (numBits === 4 || numBits === 6))
    return { codes: claimPackedFloats(numBits, shape, tensors) };
  if (type === 'int' && tensors.has(`${shape.name}.weight_packed`)) {
    return claimPacked(args, shape, groups, version, tensors);
  }
  return { codes: claimPlain(args, shape, tensors) };
}

/** Bytes are exponents; whether a scheme that says no `scale_dtype` has them, the file tells. */
function scaleDTypes(args: QuantizationArgs): readonly DType[] {
  if (isMx(args)) return exponents;
  if (isMx({ ...args, scaleType: args.scaleType ?? 'e8m0' })) return [...floatDTypes, ...exponents];
  if (args.strategy === 'tensor_group' || args.scaleType === 'f8e4m3') return ['F8_E4M3', ...floatDTypes];
  return floatDTypes;
}

/** Not packed: one number per entry, shaped as the scales. */
function claimZero(
  { type, symmetric }: QuantizationArgs,
  name: string,
  forms: Parameters<typeof claimTable>[3],
  tensors: TensorClaims,
): Stored | undefined {
  const tensor = `${name}.weight_zero_point`;
  if (symmetric && !tensors.has(tensor)) return undefined;
  return claimTable(tensors, tensor, type === 'int' ? ['I8'] : ['F8_E4M3', 'I8'], forms);
}

/** It was multiplied onto the scales so that they fill their type: it divides. */
function claimGlobalScale(args: QuantizationArgs, shape: WeightShape, tensors: TensorClaims): readonly Scale[] {
  const tensor = `${shape.name}.weight_global_scale`;
  if (args.strategy !== 'tensor_group' && (isMx(args) || !tensors.has(tensor))) return [];
  const scale = claimTable(tensors, tensor, ['F32'], scalarForms);
  return [{ ...scale, block: [shape.outFeatures, shape.inFeatures], divide: true }];
}

function claimGroupIndex(
  { grouped }: QuantizationArgs,
  { name, inFeatures }: WeightShape,
  tensors: TensorClaims,
): { readonly groupIndex?: Stored } {
  const tensor = `${name}.weight_g_idx`;
  if (!grouped && !tensors.has(tensor)) return {};
  return {
    groupIndex: claimTable(
      tensors,
      tensor,
      ['I32'],
      [{ shape: [inFeatures], layout: { axes: [[{ axis: 'in', divide: 1 }]] } }],
    ),
  };
}
