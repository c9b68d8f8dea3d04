import type { ModelFolder } from '../checkpoint/model-folder.ts';
import { planModel } from '../plan/plan-model.ts';
import { type GoldenRecords, openGoldenRecords } from './golden-records.ts';
import { linearOutputCheck } from './kinds/linear-output.ts';
import { logitsCheck } from './kinds/logits.ts';
import { weightCheck, weightHashCheck } from './kinds/weight.ts';
import { createModelRuns } from './model-runs.ts';
import { type RecordCheck, unchecked, type Verification } from './record-kind.ts';
import type { RecordReport, VerifyOptions, VerifyReport } from './verify-report.ts';

/** Recomputes what a reference run recorded, record by record. */
export async function verifyModel(folder: string | ModelFolder, options: VerifyOptions): Promise<VerifyReport> {
  const golden = await openGoldenRecords(options.against);
  try {
    return await verifyRecords(folder, golden, options);
  } finally {
    await golden.close();
  }
}

async function verifyRecords(
  folder: string | ModelFolder,
  golden: GoldenRecords,
  options: VerifyOptions,
): Promise<VerifyReport> {
  const plan = await planModel(folder, { ...options, numerics: 'faithful' });
  const runs = createModelRuns(folder, options);
  const verification: Verification = { plan, golden, runs, tolerance: options.tolerance };
  try {
    const checks = listChecks(golden);
    const records: RecordReport[] = [];
    for (const [index, check] of checks.entries()) {
      options.onProgress?.({ stage: 'verify', done: index, total: checks.length });
      options.signal?.throwIfAborted();
      records.push(await report(check, verification, options));
    }
    options.onProgress?.({ stage: 'verify', done: checks.length, total: checks.length });
    return { passed: records.every(({ status }) => status !== 'failed'), records };
  } finally {
    await runs.close();
    await plan.checkpoint.close();
  }
}

async function report(check: RecordCheck, verification: Verification, options: VerifyOptions): Promise<RecordReport> {
  const { record, kind, numerics } = check;
  const wanted = options.numerics ?? numerics;
  const judgement =
    numerics === undefined || numerics === wanted
      ? await check.check(verification)
      : unchecked(`a record of a run with numerics ${numerics}, and only ${wanted} was asked for`);
  return { record, kind, ...judgement };
}

/** What is cheap and says most comes first: weights, single linears, then whole forwards. */
const order: readonly RecordReport['kind'][] = [
  'weight-hash',
  'weight',
  'linear-output',
  'logits',
  'activation-logits',
  'kv-cache-logits',
  'unknown',
];

function listChecks(golden: GoldenRecords): readonly RecordCheck[] {
  const hashes = [...golden.weightHashes].map(([module, hash]) => weightHashCheck(module, hash));
  const records = golden.names.filter((name) => !isInput(name)).map(checkOf);
  return [...hashes, ...records].sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind));
}

function isInput(name: string): boolean {
  return /^input_ids_\d+$|^linear_input\./.test(name);
}

function checkOf(record: string): RecordCheck {
  const check = weightCheck(record) ?? linearOutputCheck(record) ?? logitsCheck(record);
  return check ?? { record, kind: 'unknown', check: async () => unchecked('no rule for records of this kind yet') };
}
