/// <reference types="@webgpu/types" />
import type { AttentionOperation } from '@lowbit/core';
import type { DeviceCache } from '../cache/device-cache.ts';
import { planElementwise } from '../ops/elementwise.ts';
import type { Plan } from '../run/plan.ts';
import { type AttentionValues, attentionShape } from './attention-shape.ts';
import { canBeFresh, planFresh, planPlace } from './plan-heads.ts';
import { planSingles } from './plan-singles.ts';
import { planTiles } from './plan-tiles.ts';
import { planWrite } from './plan-write.ts';
import type { Preparation } from './preparation.ts';

/**
 * The rows' keys and values enter the cache, then every row attends: long runs of one sequence in tiles, others row by row.
 * Where each sequence has one row, not far into its context, one dispatch does all of it, if it can.
 * @param preparation only where heads can be placed one by one, see `placesHeads`
 */
export function planAttention(
  plan: Plan,
  operation: AttentionOperation,
  cache: DeviceCache,
  { output, ...inputs }: AttentionValues,
  preparation?: Preparation,
): void {
  const { numHeads, headSize, valueHeadSize = headSize } = operation;
  const width = numHeads * valueHeadSize;
  // Heads may end before others have read what they would overwrite.
  const aside = Object.values(inputs).includes(output);
  const attended = aside ? plan.buffer('attended', 4 * plan.rows.capacity * width) : output;
  const shape = attentionShape(plan, operation, cache, { ...inputs, output: attended });
  const fresh = preparation !== undefined && canBeFresh(shape);
  if (!preparation) {
    planWrite(plan, shape);
  } else {
    planPlace(plan, shape, preparation, fresh);
    if (fresh) planFresh(plan, shape, preparation);
  }
  planSingles(plan, shape, fresh);
  planTiles(plan, shape);
  if (aside) {
    planElementwise(plan, { label: 'attended', inputs: { attended }, output, width, expression: 'attended[place]' });
  }
}
