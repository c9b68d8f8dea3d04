import { type EmbeddingKernel, storedBytes } from '@lowbit/core';
import type { NativeDevice } from '../device/native-device.ts';
import { planWeight } from '../plan/weight-plan.ts';
import { prepareSingle } from './single-module.ts';

/** Leaves the table in its file and decodes the rows that are looked up. */
export const table: EmbeddingKernel<NativeDevice> = {
  name: 'native/table',
  refuse: () => undefined,
  bytes: (description) => storedBytes(description),
  async prepare({ weight }, { device, bytes }) {
    const plan = await planWeight(weight, { form: 'decoded' }, bytes);
    const widths = [1, weight.inFeatures] as const;
    const single = await prepareSingle({ kind: 'embedding', weight: plan }, device, widths, (module) => ({
      kind: 'embedding',
      module,
      output: 1,
    }));
    return {
      forward: (tokenIds) => single.forward({ rows: tokenIds.length, tokenIds }),
      release: single.release,
    };
  },
};
