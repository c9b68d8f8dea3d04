import { type LinearDescription, type Phase, selectKernel } from '@lowbit/core';
import type { ModelPlan } from '../../plan/plan-model.ts';
import { compareRows } from '../compare.ts';
import { varyLinear } from '../execution-variant.ts';
import { judgeLinearOutput } from '../judge.ts';
import { dequantizeModule, linearOf } from '../module-weight.ts';
import { missingModule, type RecordCheck, unchecked } from '../record-kind.ts';
import { settleTies } from '../settle-ties.ts';

/** Where the record's name says nothing, `decode` differs from `prefill` only by what the module says of it. */
const phases: Readonly<Record<string, Phase>> = {
  '': 'prefill',
  127: 'prefill',
  _prefill: 'prefill',
  _decode: 'decode',
};

/**
 * `linear_output.<module>`, `[rows, out]`: one linear alone over `linear_input.<module>`, `[rows, in]`, as the checkpoint
 * quantizes its activations. `linear_output127`: dynamic scales of divisor 127 where the library takes 127.5;
 * `linear_output_prefill` and `_decode`: rows of a prompt, or generated ones.
 */
export function linearOutputCheck(record: string): RecordCheck | undefined {
  const [, what = '', module] = /^linear_output(|127|_prefill|_decode)\.(.+)$/.exec(record) ?? [];
  if (module === undefined) return undefined;
  return {
    record,
    kind: 'linear-output',
    numerics: 'faithful',
    async check({ plan, golden, tolerance }) {
      const stored = linearOf(plan, module);
      if (!stored) return missingModule(module);
      const linear = what === '127' ? varyLinear(stored, 'divisor127') : stored;
      if (what === '127' && linear === stored) return unchecked('the module has no dynamic scales of divisor 127.5');
      const input = `linear_input.${module}`;
      const [rows = 0] = golden.shape(input);
      const x = await golden.floats(input, rows * linear.weight.inFeatures);
      const phase = phases[what] ?? 'prefill';
      const computed = await runLinear(plan, linear, x, rows, phase);
      const recorded = await golden.floats(record, computed.length);
      const { activations } = (phase === 'decode' && linear.decoding) || linear;
      const weight = await dequantizeModule(plan, linear.weight);
      const settled = settleTies({ rows, x, computed, recorded, weight, activations });
      return judgeLinearOutput(
        compareRows(recorded, computed, rows),
        tolerance,
        settled && { measures: compareRows(recorded, settled.values, rows), flippedRows: settled.flippedRows },
      );
    },
  };
}

async function runLinear(
  { backend, device, numerics, checkpoint }: ModelPlan,
  description: LinearDescription,
  x: Float32Array,
  rows: number,
  phase: Phase,
): Promise<Float32Array> {
  const { kernel } = selectKernel(backend.kernels.linear, description, device, numerics);
  const linear = await kernel.prepare(description, { device, numerics, bytes: checkpoint.bytes });
  try {
    return await linear.forward(x, rows, phase);
  } finally {
    linear.release();
  }
}
