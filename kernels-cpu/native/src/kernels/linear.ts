import {
  approximateActivations,
  executionsOf,
  type LinearDescription,
  type LinearKernel,
  refuseActivations,
} from '@lowbit/core';
import type { NativeDevice } from '../device/native-device.ts';
import { roundsActivations } from '../plan/choose-accuracy.ts';
import { chunkColumns, formBytes } from '../plan/form-bytes.ts';
import { integerForm, planLinear } from '../plan/linear-plan.ts';
import { weightForm } from '../plan/weight-form.ts';
import { prepareSingle } from './single-module.ts';

/** Packed codes where the linear kernels have them, dense numbers as they lie, f32 for whatever else there is. */
export const linear: LinearKernel<NativeDevice> = {
  name: 'native/linear',
  refuse: (description, _device, numerics) =>
    numerics === 'exact'
      ? undefined
      : refuseActivations(description, linear.name, { maxBits: 8, signedActivations: true }),
  bytes(description) {
    const { weight, bias } = description;
    const executions = executionsOf(description);
    const integer = executions.filter((execution) => execution.integer).length;
    const numbers = integer < executions.length ? formBytes(weight, weightForm(weight)) : 0;
    const codes = integer * (integer > 0 ? formBytes(weight, integerForm(description)) + 8 * weight.outFeatures : 0);
    return numbers + codes + (bias ? 4 * weight.outFeatures : 0);
  },
  approximation(description, numerics) {
    const { weight } = description;
    const rounds = executionsOf(description).some(({ activations }) =>
      roundsActivations(weight, activations, numerics),
    );
    const notes = [rounds && roundedActivations(description), approximateActivations(description, numerics)];
    return notes.filter(Boolean).join('; ') || undefined;
  },
  async prepare(description, { device, numerics, bytes }) {
    const { inFeatures, outFeatures } = description.weight;
    const plan = await planLinear(description, numerics, bytes);
    const single = await prepareSingle(plan, device, [inFeatures, outFeatures], (module) => ({
      kind: 'linear',
      input: 0,
      parts: [{ module, output: 1 }],
    }));
    return {
      forward: (input, rows, phase) =>
        single.forward(
          { rows, sequences: [{ firstRow: 0, rows, blocks: new Int32Array(), decoding: phase === 'decode' }] },
          input,
        ),
      release: single.release,
    };
  },
};

function roundedActivations({ weight }: LinearDescription): string {
  const form = weightForm(weight);
  const columns = form.form === 'packed' ? chunkColumns(Math.min(form.packed.groupSize, weight.inFeatures)) : 0;
  return `activations rounded to 8 bits per token and ${columns} features, where the checkpoint leaves them`;
}
