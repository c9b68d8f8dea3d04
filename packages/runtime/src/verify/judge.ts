import type { RecordMeasures, RecordReport } from './verify-report.ts';

/** When is a recomputed record right? Default limits, each with its reason. */
const limits = {
  /** Logits with unquantized activations, of their range: f32 and f64 runs of one model differ by about a tenth of it. */
  logits: 1e-3,
  /**
   * Logits with quantized activations, median over tokens of the largest difference, of the range: one activation code
   * that flips at a rounding tie moves later layers, so single tokens say nothing.
   */
  activationLogits: 0.025,
  /** One layer alone with quantized activations, of each row's largest output: no cascade, only f32 rounding. */
  linearOutput: 1e-5,
} as const;

type Judged = Pick<RecordReport, 'status' | 'rule' | 'measures'>;

/** Weights are codes times scales: nothing may differ. */
export function judgeWeight(measures: RecordMeasures): Judged {
  return judged(measures.differing === 0, 'bit for bit', measures);
}

export function judgeLogits(measures: RecordMeasures, tolerance: number = limits.logits): Judged {
  return judged(measures.relative <= tolerance, `largest difference <= ${tolerance} of the range`, measures);
}

export function judgeActivationLogits(measures: RecordMeasures, tolerance: number = limits.activationLogits): Judged {
  const rule = `median token's largest difference <= ${tolerance} of the range`;
  return judged((measures.tokenMedian ?? Number.POSITIVE_INFINITY) <= tolerance, rule, measures);
}

/**
 * A failed record says nothing where the model's own run moves about as far when nothing but the last bits of one factor
 * change: deep models with 4-bit activations do.
 * @param own a run against a nudged one
 */
export function excuseSensitiveModel({ status, rule, measures }: Judged, own: RecordMeasures): Judged {
  const [found = 0, sensitivity = 0] = [measures?.tokenMedian, own.tokenMedian];
  const judged = { status, rule, ...(measures ? { measures } : {}) };
  if (status !== 'failed' || !(found <= 2 * sensitivity)) return judged;
  const why = `rounding alone moves the median token of this model by ${sensitivity.toPrecision(2)} of the range`;
  return { ...judged, status: 'unchecked', rule: `${rule}; but ${why}` };
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
