import { limits } from './limits.ts';
import type { RecordMeasures, RecordReport } from './verify-report.ts';

type Judged = Pick<RecordReport, 'status' | 'rule' | 'measures'>;

/** Weights are codes times scales: nothing may differ. */
export function judgeWeight(measures: RecordMeasures): Judged {
  return judged(measures.differing === 0, 'bit for bit', measures);
}

export function judgeLogits(measures: RecordMeasures, tolerance: number = limits.logits): Judged {
  return judged(measures.relative <= tolerance, `largest difference <= ${tolerance} of the range`, measures);
}

/** By the median token: one activation code that flips moves its own token and those that attend to it. */
export function judgeActivationLogits(measures: RecordMeasures, tolerance: number = limits.activationLogits): Judged {
  const { tokenMedian = Number.POSITIVE_INFINITY } = measures;
  return judged(tokenMedian <= tolerance, `median token's largest difference <= ${tolerance} of the range`, measures);
}

/** `settled`: the measures once codes at a rounding tie are taken the other way in `flippedRows`. */
export function judgeLinearOutput(
  measures: RecordMeasures,
  tolerance: number = limits.linearOutput,
  settled?: { readonly measures: RecordMeasures; readonly flippedRows: readonly number[] },
): Judged {
  const rule = `largest difference <= ${tolerance} of each row's largest output`;
  const holds = ({ rowRelative = Number.POSITIVE_INFINITY }: RecordMeasures) => rowRelative <= tolerance;
  if (holds(measures) || !settled || settled.flippedRows.length === 0) return judged(holds(measures), rule, measures);
  const { flippedRows } = settled;
  const rows = `${flippedRows.length === 1 ? 'row' : 'rows'} ${flippedRows.join(', ')}`;
  const tie = `after the input at its rounding tie takes the neighbouring code in ${rows}`;
  return judged(holds(settled.measures), `${rule}, ${tie}`, { ...measures, flippedRows });
}

function judged(passed: boolean, rule: string, measures: RecordMeasures): Judged {
  return { status: passed ? 'passed' : 'failed', rule, measures };
}
