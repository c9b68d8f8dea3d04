/**
 * The dispatches of a linear. Rows of one x are quantized first where its scheme or its numerics want that: plan-input.ts.
 *
 *   weight                     few rows                      many rows
 *   slices of 32 columns       multiply-slices.wgsl          multiply-tiles.wgsl, multiply-byte-tiles.wgsl
 *   others                     multiply-rows.wgsl            multiply-rows.wgsl
 *   others, integer sums       multiply-integers.wgsl        multiply-integers.wgsl
 *
 * What else a linear can do on the way: `LinearUse.addend` adds the residual as the outputs are written.
 */
import type { Plan } from '../run/plan.ts';
import { hasSlices } from '../weights/weight-form.ts';
import type { DeviceLinear } from './device-linear.ts';
import type { LinearUse } from './linear-use.ts';
import { planInputs } from './plan-input.ts';
import { planIntegers, planRows } from './plan-rows.ts';
import { planSlices } from './plan-slices.ts';
import { planTiles } from './plan-tiles.ts';

export function planLinear(plan: Plan, linear: DeviceLinear, use: LinearUse): void {
  const { weight } = linear;
  const sliced = hasSlices(weight.form, weight.inFeatures);
  for (const execution of linear.executions) {
    const { few, many } = planInputs(plan, linear, execution, use);
    for (const part of weight.parts) {
      if (execution.integer && few.kind === 'floats') planIntegers(plan, linear, execution, part, use, few);
      else if (!sliced) planRows(plan, linear, execution, part, use, few);
      else {
        planSlices(plan, linear, execution, part, use, few);
        if (weight.matrices === 1 || use.sorted) planTiles(plan, linear, execution, part, use, many);
      }
    }
  }
}
