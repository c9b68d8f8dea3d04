import { approximateActivations, type LinearKernel, refuseActivations } from '@lowbit/core';
import type { WebgpuDevice } from '../device/webgpu-device.ts';
import { loadLinear } from '../linear/device-linear.ts';
import { ownRounding } from '../linear/plan-input.ts';
import { planLinear } from '../linear/plan-linear.ts';
import { refuseWeight, weightBytes } from '../weights/weight-form.ts';
import { prepareSingle } from './single-module.ts';

/** Packed codes, taken apart in the shader; sums in f32, of integer execution in i32. */
export const linear: LinearKernel<WebgpuDevice> = {
  name: 'webgpu/linear',
  refuse: (description, _device, numerics) =>
    refuseWeight(description.weight, linear.name) ??
    (numerics === 'exact' ? undefined : refuseActivations(description, linear.name, { maxBits: 8 })),
  bytes: ({ weight, bias }) => weightBytes(weight) + (bias ? 4 * weight.outFeatures : 0),
  approximation(description, numerics) {
    const notes = [ownRounding(description, numerics), approximateActivations(description, numerics)];
    return notes.filter(Boolean).join('; ') || undefined;
  },
  async prepare(description, { device, numerics, bytes }) {
    const { inFeatures, outFeatures } = description.weight;
    const single = await prepareSingle(device, bytes, {
      load: (context) => loadLinear(context, description.module, [description], numerics),
      plan: (plan, loaded, output) => {
        const x = plan.buffer('input', 4 * plan.rows.capacity * inFeatures);
        planLinear(plan, loaded, { x, y: [output] });
        return x;
      },
      inputWidth: inFeatures,
      outputWidth: outFeatures,
    });
    return {
      forward: (input, rows, phase = 'prefill') => single.forward({ input, rows, phases: Array(rows).fill(phase) }),
      release: single.release,
    };
  },
};
