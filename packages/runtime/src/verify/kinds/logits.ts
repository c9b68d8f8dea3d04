import { compareLogits } from '../compare.ts';
import { type ExecutionVariant, linearsOf, varyModule } from '../execution-variant.ts';
import { excuseSensitiveModel, judgeActivationLogits, judgeLogits } from '../judge.ts';
import type { ModelRun } from '../model-runs.ts';
import { type RecordCheck, unchecked, type Verification } from '../record-kind.ts';

/** By what stands between `logits` and the number of the prompt. */
const runs: Readonly<Record<string, ModelRun>> = {
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
      if (what === 'act' && golden.names.includes(`logits_kv_${key}`)) {
        return unchecked('recorded with a quantized KV cache, as logits_kv beside it, and that is not executed yet');
      }
      const model = await verification.runs.open(run);
      const tokenIds = await golden.integers(`input_ids_${key}`);
      const computed = await model.logits(tokenIds);
      const recorded = await golden.floats(record, computed.length);
      const { vocabSize } = model.info;
      const measures = compareLogits(recorded, computed, vocabSize);
      // Where no activation is quantized, no code can flip, and nothing excuses a larger difference.
      if (numerics === 'exact' || !quantizesActivations(verification)) return judgeLogits(measures, tolerance);
      const judgement = judgeActivationLogits(measures, tolerance);
      if (judgement.status === 'passed') return judgement;
      const nudged = await verification.runs.open({ ...run, nudged: true });
      const own = compareLogits(computed, await nudged.logits(tokenIds), vocabSize);
      return excuseSensitiveModel(judgement, own);
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
