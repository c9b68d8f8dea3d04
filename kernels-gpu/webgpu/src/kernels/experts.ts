import { answerAsLinears, type MoeKernel } from '@lowbit/core';
import type { WebgpuDevice } from '../device/webgpu-device.ts';
import { loadExperts } from '../moe/device-experts.ts';
import { planExperts, routingBuffers } from '../moe/plan-experts.ts';
import { linear } from './linear.ts';
import { prepareSingle, type SingleModule } from './single-module.ts';

/** Each projection of all experts as one stack; a dispatch runs every row through all experts that it chose. */
export const experts: MoeKernel<WebgpuDevice> = {
  ...answerAsLinears('webgpu/experts', linear),
  async prepare(description, { device, numerics, bytes }) {
    const hiddenSize = description.experts[0]?.gate.weight.inFeatures ?? 0;
    // How many experts a row goes through is known only with the rows.
    const prepared = new Map<number, Promise<SingleModule>>();
    const prepareFor = (topK: number) =>
      prepareSingle(device, bytes, {
        load: (context) => loadExperts(context, description, numerics),
        plan: (plan, loaded, output) => {
          const input = plan.buffer('input', 4 * plan.rows.capacity * hiddenSize);
          planExperts(plan, loaded, routingBuffers(plan, topK), input, output);
          return input;
        },
        inputWidth: hiddenSize,
        outputWidth: hiddenSize,
      });
    return {
      async forward(input, { topK, experts: chosen, weights, phases }) {
        const preparing = prepared.get(topK) ?? prepareFor(topK);
        prepared.set(topK, preparing);
        const single = await preparing;
        return single.forward({
          input,
          rows: phases.length,
          phases,
          write(plan, start, end) {
            const buffers = routingBuffers(plan, topK);
            device.gpu.queue.writeBuffer(buffers.experts, 0, chosen.slice(start * topK, end * topK));
            device.gpu.queue.writeBuffer(buffers.weights, 0, weights.slice(start * topK, end * topK));
          },
        });
      },
      release() {
        for (const preparing of prepared.values()) preparing.then((single) => single.release());
      },
    };
  },
};
