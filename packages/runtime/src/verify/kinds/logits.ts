import type { Numerics } from '@lowbit/core';
import { compareLogits } from '../compare.ts';
import { type ExecutionVariant, linearsOf, varyModule } from '../execution-variant.ts';
import { judgeActivationLogits, judgeLogits } from '../judge.ts';
import { type RecordCheck, unchecked, type Verification } from '../record-kind.ts';

interface Run {
  readonly numerics: Numerics;
  readonly variant?: ExecutionVariant;
}

/** By what stands between `logits` and the number of the prompt. */
const runs: Readonly<Record<string, Run>> = {
  '': { numerics: 'exact' },
  /** Activations quantized and dequantized, as the library does it. */
  act: { numerics: 'faithful' },
  act127: { numerics: 'faithful', variant: 'divisor127' },
  /** Integer execution of the stored values. */
  int: { numerics: 'faithful' },
  /** The same where prompts take dynamic scales and generated tokens static ones: all tokens as one, all as the other. */
  int_dynamic: { numerics: 'faithful' },
  int_static: { numerics: 'faithful', variant: 'decoding' },
};

/** `logits_<k>`, `logits_act_<k>`, ...: a whole forward of `input_ids_<k>`, `[tokens, vocab]`. */
export function logitsCheck(record: string): RecordCheck | undefined {
  const [, what = '', key] = /^logits(?:_(\w+?))?_(\d+)$/.exec(record) ?? [];
  if (key === undefined) return undefined;
  if (/(^|_)(kv|c8)(_|$)/.test(what)) {
    return {
      record,
      kind: 'kv-cache-logits',
      check: async () => unchecked('KV cache quantization is not executed yet'),
    };
  }
  const run = Object.hasOwn(runs, what) ? runs[what] : undefined;
  if (!run) return undefined;
  const { numerics, variant } = run;
  return {
    record,
    kind: numerics === 'exact' ? 'logits' : 'activation-logits',
    numerics,
    async check(verification) {
      const { golden, tolerance } = verification;
      if (variant && !varies(verification, variant)) return unchecked(reasons[variant]);
      const model = await verification.runs.open(numerics, variant);
      const computed = await model.logits(await golden.integers(`input_ids_${key}`));
      const recorded = await golden.floats(record, computed.length);
      const measures = compareLogits(recorded, computed, model.info.vocabSize);
      // Where no activation is quantized, no code can flip, and nothing excuses a larger difference.
      const cascades = numerics !== 'exact' && quantizesActivations(verification);
      return (cascades ? judgeActivationLogits : judgeLogits)(measures, tolerance);
    },
  };
}

const reasons: Readonly<Record<ExecutionVariant, string>> = {
  divisor127: 'no module of the model has dynamic scales of divisor 127.5',
  decoding: 'no module of the model treats generated tokens in another way',
};

function varies({ plan }: Verification, variant: ExecutionVariant): boolean {
  const linears = [...plan.modules.values()].flatMap(({ description }) => linearsOf(description));
  return linears.some((linear) => varyModule(linear, variant) !== linear);
}

function quantizesActivations({ plan }: Verification): boolean {
  const linears = [...plan.modules.values()].flatMap(({ description }) => linearsOf(description));
  return linears.some(({ activations, decoding }) => activations ?? decoding?.activations);
}
