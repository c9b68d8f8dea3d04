import {
  type LinearDescription,
  type LinearKernel,
  type Numerics,
  type QuantizedWeight,
  tensorsOf,
} from '@lowbit/core';
import { dequantizeWeight } from '@lowbit/numerics';
import type { Model } from '../model.ts';
import { openModel } from '../open-model.ts';
import { type ModelPlan, planModel } from '../plan/plan-model.ts';
import { compareLogits, compareRows, compareValues } from './compare.ts';
import { type GoldenRecords, openGoldenRecords } from './golden-records.ts';
import { judgeActivationLogits, judgeLinearOutput, judgeLogits, judgeWeight } from './judge.ts';
import type { RecordReport, VerifyOptions, VerifyReport } from './verify-report.ts';

/** Recomputes what a reference run recorded, record by record. */
export async function verifyModel(folder: string, options: VerifyOptions): Promise<VerifyReport> {
  const golden = await openGoldenRecords(options.against);
  try {
    return await verifyRecords(folder, golden, options);
  } finally {
    await golden.close();
  }
}

async function verifyRecords(folder: string, golden: GoldenRecords, options: VerifyOptions): Promise<VerifyReport> {
  const plan = await planModel(folder, { ...options, numerics: 'faithful' });
  const models = createModels(folder, options);
  try {
    const tasks = listTasks(plan, golden, models, options);
    const records: RecordReport[] = [];
    for (const [index, task] of tasks.entries()) {
      options.onProgress?.({ stage: 'verify', done: index, total: tasks.length });
      options.signal?.throwIfAborted();
      records.push(await task());
    }
    options.onProgress?.({ stage: 'verify', done: tasks.length, total: tasks.length });
    return { passed: records.every(({ status }) => status !== 'failed'), records };
  } finally {
    await models.close();
    await plan.checkpoint.close();
  }
}

type Task = () => Promise<RecordReport>;

/** One task per record: weights first, whole forwards last. */
function listTasks(plan: ModelPlan, golden: GoldenRecords, models: Models, options: VerifyOptions): readonly Task[] {
  const { tolerance } = options;
  const ranked: { readonly rank: number; readonly task: Task }[] = [];
  const add = (rank: number, task: Task) => ranked.push({ rank, task });
  const addRun = (rank: number, record: string, kind: RecordReport['kind'], numerics: Numerics, task: Task) => {
    const left = options.numerics !== undefined && options.numerics !== numerics;
    const why = `a record of a run with numerics ${numerics}, and only ${options.numerics} was asked for`;
    add(rank, left ? async () => unchecked(record, kind, why) : task);
  };
  for (const [module, hash] of golden.weightHashes) add(0, () => verifyWeightHash(plan, module, hash));
  for (const record of golden.names) {
    const [prefix = '', module = ''] = split(record);
    const [, activations, key] = /^logits(_act)?_(\d+)$/.exec(record) ?? [];
    if (prefix === 'weight') {
      add(0, () => verifyWeight(plan, golden, record, module));
    } else if (prefix === 'linear_output') {
      const task = () => verifyLinearOutput(plan, golden, record, module, tolerance);
      addRun(1, record, 'linear-output', 'faithful', task);
    } else if (key !== undefined) {
      const numerics = activations ? 'faithful' : 'exact';
      const run = { record, input: `input_ids_${key}`, numerics } as const;
      addRun(activations ? 3 : 2, record, 'logits', numerics, () => verifyLogits(models, golden, run, tolerance));
    } else if (!/^input_ids_\d+$/.test(record) && prefix !== 'linear_input') {
      add(4, async () => unchecked(record, 'unknown', 'no rule for records of this kind yet'));
    }
  }
  return ranked.sort((a, b) => a.rank - b.rank).map(({ task }) => task);
}

/** `weight.model.layers.0...` into `weight` and the module's name. */
function split(record: string): readonly string[] {
  const dot = record.indexOf('.');
  return dot < 0 ? [record] : [record.slice(0, dot), record.slice(dot + 1)];
}

async function verifyWeight(
  plan: ModelPlan,
  golden: GoldenRecords,
  record: string,
  module: string,
): Promise<RecordReport> {
  const weight = weightOf(plan, module);
  if (!weight) return absent(record, 'weight', module);
  const computed = await dequantize(plan, weight);
  const recorded = await golden.floats(record, computed.length);
  return { record, kind: 'weight', ...judgeWeight(compareValues(recorded, computed)) };
}

async function verifyWeightHash(plan: ModelPlan, module: string, hash: string): Promise<RecordReport> {
  const record = `weight_sha256.${module}`;
  const weight = weightOf(plan, module);
  if (!weight) return absent(record, 'weight-hash', module);
  const { createHash } = await import('node:crypto');
  const { buffer, byteOffset, byteLength } = await dequantize(plan, weight);
  const computed = createHash('sha256')
    .update(new Uint8Array(buffer, byteOffset, byteLength))
    .digest('hex');
  return { record, kind: 'weight-hash', status: computed === hash ? 'passed' : 'failed', rule: 'the same SHA-256' };
}

/** One linear alone, as the checkpoint quantizes its activations. */
async function verifyLinearOutput(
  plan: ModelPlan,
  golden: GoldenRecords,
  record: string,
  module: string,
  tolerance: number | undefined,
): Promise<RecordReport> {
  const description = plan.modules.get(module)?.description;
  const selection = plan.selections.get(module);
  if (description?.kind !== 'linear' || !selection) return absent(record, 'linear-output', module);
  const input = `linear_input.${module}`;
  const [rows = 0] = golden.shape(input);
  const values = await golden.floats(input, rows * description.weight.inFeatures);
  const computed = await runLinear(plan, selection.kernel as LinearKernel, description, { values, rows });
  const recorded = await golden.floats(record, computed.length);
  return {
    record,
    kind: 'linear-output',
    ...judgeLinearOutput(compareRows(recorded, computed, rows), tolerance),
  };
}

async function runLinear(
  { device, numerics, checkpoint }: ModelPlan,
  kernel: LinearKernel,
  description: LinearDescription,
  input: { readonly values: Float32Array; readonly rows: number },
): Promise<Float32Array> {
  const linear = await kernel.prepare(description, { device, numerics, bytes: checkpoint.bytes });
  try {
    return await linear.forward(input.values, input.rows);
  } finally {
    linear.release();
  }
}

/** A whole forward. */
async function verifyLogits(
  models: Models,
  golden: GoldenRecords,
  { record, input, numerics }: { readonly record: string; readonly input: string; readonly numerics: Numerics },
  tolerance: number | undefined,
): Promise<RecordReport> {
  const model = await models.open(numerics);
  const computed = await model.logits(await golden.integers(input));
  const measures = compareLogits(await golden.floats(record, computed.length), computed, model.info.vocabSize);
  const judge = numerics === 'exact' ? judgeLogits : judgeActivationLogits;
  return { record, kind: 'logits', ...judge(measures, tolerance) };
}

/** The model, opened once per numerics and only if a record asks for it. */
interface Models {
  open(numerics: Numerics): Promise<Model>;
  close(): Promise<void>;
}

function createModels(folder: string, { registry, device, signal }: VerifyOptions): Models {
  const models = new Map<Numerics, Promise<Model>>();
  return {
    open(numerics) {
      const model = models.get(numerics) ?? openModel(folder, { registry, device, signal, numerics });
      models.set(numerics, model);
      return model;
    },
    async close() {
      for (const model of models.values()) await (await model).close();
    },
  };
}

function weightOf({ modules }: ModelPlan, module: string): QuantizedWeight | undefined {
  const description = modules.get(module)?.description;
  return description?.kind === 'linear' || description?.kind === 'embedding' ? description.weight : undefined;
}

async function dequantize({ checkpoint }: ModelPlan, weight: QuantizedWeight): Promise<Float32Array> {
  const bytes = new Map<string, Uint8Array>();
  for (const ref of tensorsOf({ kind: 'embedding', module: '', scheme: '', weight })) {
    bytes.set(ref.name, await checkpoint.bytes.read(ref));
  }
  return dequantizeWeight(weight, (ref) => bytes.get(ref.name)!);
}

/** The recorded model had a module that this one has not. */
function absent(record: string, kind: RecordReport['kind'], module: string): RecordReport {
  return { record, kind, status: 'failed', rule: `the model must have the module ${module}` };
}

function unchecked(record: string, kind: RecordReport['kind'], why: string): RecordReport {
  return { record, kind, status: 'unchecked', rule: why };
}
