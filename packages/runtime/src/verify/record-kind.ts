import type { Numerics } from '@lowbit/core';
import type { ModelPlan } from '../plan/plan-model.ts';
import type { GoldenRecords } from './golden-records.ts';
import type { ModelRuns } from './model-runs.ts';
import type { RecordReport } from './verify-report.ts';

/** What a record is checked with. */
export interface Verification {
  /** With numerics `faithful`. */
  readonly plan: ModelPlan;
  readonly golden: GoldenRecords;
  readonly runs: ModelRuns;
  /** Replaces the default tolerance of every rule that has one. */
  readonly tolerance: number | undefined;
}

export type Judgement = Pick<RecordReport, 'status' | 'rule' | 'measures'>;

/** One record, and how it is checked. */
export interface RecordCheck {
  readonly record: string;
  readonly kind: RecordReport['kind'];
  /** Of the run that it takes; absent for weights, which no numerics change. */
  readonly numerics?: Numerics;
  check(verification: Verification): Promise<Judgement>;
}

/** The recorded model had a module that this one has not. */
export function missingModule(module: string): Judgement {
  return { status: 'failed', rule: `the model must have the module ${module}` };
}

export function unchecked(why: string): Judgement {
  return { status: 'unchecked', rule: why };
}
