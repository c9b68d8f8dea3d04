import { answerAsLinears, type MoeKernel, type Phase } from '@lowbit/core';
import type { NativeDevice } from '../device/native-device.ts';
import { planMoe } from '../plan/module-plan.ts';
import { linear } from './linear.ts';
import { prepareSingle } from './single-module.ts';

/** Each expert as three linears; all chosen experts of a batch run side by side. */
export const experts: MoeKernel<NativeDevice> = {
  ...answerAsLinears('native/experts', linear),
  async prepare(description, { device, numerics, bytes }) {
    const hiddenSize = description.experts[0]?.gate.weight.inFeatures ?? 0;
    const plan = await planMoe(description, numerics, bytes);
    const single = await prepareSingle(plan, device, [hiddenSize, hiddenSize], (module) => ({
      kind: 'experts',
      module,
      input: 0,
      output: 1,
    }));
    return {
      forward: (input, { topK, experts: chosen, weights, phases }) =>
        single.forward(
          { rows: phases.length, sequences: phases.map(sequenceOf), routing: { topK, experts: chosen, weights } },
          input,
        ),
      release: single.release,
    };
  },
};

function sequenceOf(phase: Phase, row: number) {
  return { firstRow: row, rows: 1, blocks: new Int32Array(), decoding: phase === 'decode' };
}
