import { plain } from '@lowbit/core';
import { fieldError } from './config-section.ts';
import { scalarForms, type TableForm, type WeightShape } from './module-tensors.ts';
import type { QuantizationArgs } from './quantization-args.ts';

/** What one entry of a weight's table of scales covers, and the forms that the table is stored in. */
export interface WeightTable {
  readonly block: readonly [rows: number, cols: number];
  readonly forms: readonly [TableForm, ...TableForm[]];
}

/**
 * Scales, and zero points that are not packed. Strategy and block sizes are the config's: a shape alone does not tell
 * partial blocks.
 *
 * ```
 * tensor  [1]     channel  [N, 1]     group  [N, K/g]     block  [ceil(N/rows), ceil(K/cols)]
 * ```
 *
 * @throws ConfigError for groups that do not divide the input
 */
export function weightTable(args: QuantizationArgs, { name, outFeatures, inFeatures }: WeightShape): WeightTable {
  const { strategy, groupSize = inFeatures, blockStructure, section } = args;
  switch (strategy) {
    case 'channel':
      return { block: [1, inFeatures], forms: channelForms(outFeatures) };
    case 'group':
    case 'tensor_group': {
      if (inFeatures % groupSize !== 0) {
        throw fieldError(
          section,
          'group_size',
          `a divisor of ${inFeatures}, the in features of ${name}`,
          'The format has no partial groups: the settings and the model do not belong together.',
        );
      }
      const groups = inFeatures / groupSize;
      const table = { shape: [outFeatures, groups], layout: plain('out', 'in') };
      return { block: [1, groupSize], forms: groups === 1 ? [table, ...channelForms(outFeatures)] : [table] };
    }
    case 'block': {
      const [rows, cols] = blockStructure ?? [outFeatures, inFeatures];
      const shape = [Math.ceil(outFeatures / rows), Math.ceil(inFeatures / cols)];
      return { block: [rows, cols], forms: [{ shape, layout: plain('out', 'in') }] };
    }
    default:
      return { block: [outFeatures, inFeatures], forms: scalarForms };
  }
}

function channelForms(outFeatures: number): readonly [TableForm, ...TableForm[]] {
  return [
    { shape: [outFeatures, 1], layout: plain('out', undefined) },
    { shape: [outFeatures], layout: plain('out') },
  ];
}
