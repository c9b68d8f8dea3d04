import type { ModelPlan } from '../../plan/plan-model.ts';
import { compareLogits } from '../compare.ts';
import { type ExecutionVariant, varyModule } from '../execution-variant.ts';
import type { GoldenRecords } from '../golden-records.ts';
import { judgeActivationLogits, judgeLogits } from '../judge.ts';
import type { ModelRun } from '../model-runs.ts';
import { type RecordCheck, unchecked } from '../record-kind.ts';

interface RecordedRun extends ModelRun {
  /** The model must have something for this variant to change, or there was no such run. */
  readonly needs?: ExecutionVariant;
}

const exact: RecordedRun = { numerics: 'exact', variants: [] };
const plainCache: RecordedRun = { numerics: 'faithful', variants: ['plainCache'] };
const withCache: RecordedRun = { numerics: 'faithful', variants: [], needs: 'plainCache' };

/** By what stands between `logits` and the number of the prompt. */
const runs: Readonly<Record<string, RecordedRun>> = {
  '': exact,
  /** Activations quantized and dequantized, as the library does it. */
  act: plainCache,
  act127: { numerics: 'faithful', variants: ['divisor127', 'plainCache'], needs: 'divisor127' },
  /** Integer execution of the stored values. */
  int: plainCache,
  /** The same where prompts take dynamic scales and generated tokens static ones: all tokens as one, all as the other. */
  int_dynamic: plainCache,
  int_static: { numerics: 'faithful', variants: ['decoding', 'plainCache'], needs: 'decoding' },
  /** The KV cache quantized, and nothing else. */
  kv: { numerics: 'faithful', variants: ['plainActivations'], needs: 'plainCache' },
  /** The KV cache quantized too. */
  act_kv: withCache,
  act_kv_post_rope: withCache,
  int_c8: withCache,
};

/** `logits_<k>`, `logits_act_<k>`, ...: a whole forward of `input_ids_<k>`, `[tokens, vocab]`. */
export function logitsCheck(record: string): RecordCheck | undefined {
  const [, what = '', key] = /^logits(?:_(\w+?))?_(\d+)$/.exec(record) ?? [];
  if (key === undefined || !Object.hasOwn(runs, what)) return undefined;
  return {
    record,
    kind: kindOf(runs[what]!),
    numerics: runs[what]!.numerics,
    async check({ plan, golden, runs: models, tolerance }) {
      const recorded = recordedRun(what, key, golden);
      if (typeof recorded === 'string') return unchecked(recorded);
      const { numerics, needs } = recorded;
      if (needs && !varies(plan, needs)) return unchecked(reasons[needs]);
      const run = { numerics, variants: recorded.variants.filter((variant) => varies(plan, variant)) };

      const model = await models.open(run);
      const tokenIds = await golden.integers(`input_ids_${key}`);
      const computed = await model.logits(tokenIds);
      const { vocabSize } = model.info;
      const measures = compareLogits(await golden.floats(record, computed.length), computed, vocabSize);
      // Where nothing is rounded on the way, no code can flip, and nothing excuses a larger difference.
      const rounds = varies(plan, 'plainActivations') || varies(plan, 'plainCache');
      if (numerics === 'exact' || !rounds) return judgeLogits(measures, tolerance);
      const judgement = judgeActivationLogits(measures, tolerance);
      const simulated = judgement.status === 'failed' && what === 'act' && golden.names.includes(`logits_int_${key}`);
      return simulated ? { ...judgement, status: 'unchecked', rule: `${judgement.rule}; ${simulation}` } : judgement;
    },
  };
}

/**
 * msModelSlim's own model as it is before it is saved: its static scales are not yet multiplied and rounded to the dtype
 * of the file, its FP8 inputs are scaled but not rounded.
 */
const simulation = 'but that is the model before it was saved: logits_int beside it is the run of the stored values';

function kindOf({ numerics, needs }: RecordedRun): RecordCheck['kind'] {
  if (numerics === 'exact') return 'logits';
  return needs === 'plainCache' ? 'kv-cache-logits' : 'activation-logits';
}

/** What other records of the same prompt say of this one; a text: why it cannot be checked. */
function recordedRun(what: string, key: string, { names }: GoldenRecords): RecordedRun | string {
  // A library that can leave out activations, but not the cache, recorded both together.
  if (what === 'act' && names.includes(`logits_kv_${key}`)) return withCache;
  if (what === 'act_kv' && names.includes(`logits_act_kv_post_rope_${key}`)) {
    return 'recorded with keys quantized before RoPE, as no cache keeps them';
  }
  return runs[what]!;
}

const reasons: Readonly<Record<ExecutionVariant, string>> = {
  divisor127: 'no module of the model has dynamic scales of divisor 127.5',
  decoding: 'no module of the model treats generated tokens in another way',
  plainActivations: 'no module of the model quantizes its input',
  plainCache: 'no KV cache of the model is quantized',
};

function varies({ modules }: ModelPlan, variant: ExecutionVariant): boolean {
  return [...modules.values()].some(({ description }) => varyModule(description, variant) !== description);
}
