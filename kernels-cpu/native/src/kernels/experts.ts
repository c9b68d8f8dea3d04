import type { MoeDescription, MoeKernel, Phase } from '@lowbit/core';
import type { NativeDevice } from '../device/native-device.ts';
import { planMoe } from '../plan/module-plan.ts';
import { linear } from './linear.ts';
import { prepareSingle } from './single-module.ts';

/** Each expert as three linears; all chosen experts of a batch run side by side. */
export const experts: MoeKernel<NativeDevice> = {
  name: 'native/experts',
  refuse(description, device, numerics) {
    for (const one of linearsOf(description)) {
      const refusal = linear.refuse(one, device, numerics);
      if (refusal) return { ...refusal, by: experts.name, message: `${one.module}: ${refusal.message}` };
    }
    return undefined;
  },
  bytes: (description) => linearsOf(description).reduce((sum, one) => sum + linear.bytes(one), 0),
  approximation(description, numerics) {
    const notes = linearsOf(description).map((one) => linear.approximation?.(one, numerics));
    return notes.find((note) => note !== undefined);
  },
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

function linearsOf({ experts: all }: MoeDescription) {
  return all.flatMap(({ gate, up, down }) => [gate, up, down]);
}
