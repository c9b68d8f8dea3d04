import type { EmbeddingKernel } from '@lowbit/core';
import type { WebgpuDevice } from '../device/webgpu-device.ts';
import { planEmbedding } from '../embedding/plan-embedding.ts';
import { loadWeight } from '../weights/load-weight.ts';
import { refuseWeight, weightBytes } from '../weights/weight-form.ts';
import { prepareSingle } from './single-module.ts';

/** The table as packed codes; the rows that are looked up become numbers. */
export const table: EmbeddingKernel<WebgpuDevice> = {
  name: 'webgpu/table',
  refuse: ({ weight }) => refuseWeight(weight, table.name),
  bytes: ({ weight }) => weightBytes(weight),
  async prepare({ module, weight }, { device, bytes }) {
    const single = await prepareSingle(device, bytes, {
      load: (context) => loadWeight(context, module, [weight]),
      plan: (plan, loaded, output) => {
        planEmbedding(plan, loaded, output);
        return plan.rows.tokenIds;
      },
      inputWidth: 1,
      outputWidth: weight.inFeatures,
    });
    return {
      forward: (tokenIds) => single.forward({ input: tokenIds, rows: tokenIds.length }),
      release: single.release,
    };
  },
};
