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
import { compareLogits, compareValues } from './compare.ts';
import { type GoldenRecords, openGoldenRecords } from './golden-records.ts';
import { judgeActivationLogits, judgeLinearOutput, judgeLogits, judgeWeight } from './judge.ts';
import type { RecordReport, VerifyOptions, VerifyReport } from './verify-report.ts';

/** Recomputes what a reference run recorded, record by record. */
export async function verifyModel(folder: string, options: VerifyOptions): Promise<VerifyReport> {
  const golden = await openGoldenRecords(options.against);
  const plan = await planModel(folder, { ...options, numerics: 'faithful' });
  const models = createModels(folder, options);
  try {
    const tasks = listTasks(plan, golden, models, options.tolerance);
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
    await golden.close();
  }
}

type Task = () => Promise<RecordReport>;

/** One task per record: weights first, whole forwards last. */
function listTasks(plan: ModelPlan, golden: GoldenRecords, models: Models, tolerance?: number): readonly Task[] {
  const logits = (record: string, key: string, numerics: Numerics): Task => {
    return () => verifyLogits(models, golden, { record, input: `input_ids_${key}`, numerics }, tolerance);
  };
  const ranked: { readonly rank: number; readonly task: Task }[] = [];
  for (const [module, hash] of golden.weightHashes) {
    ranked.push({ rank: 0, task: () => verifyWeightHash(plan, module, hash) });
  }
  for (const record of golden.names) {
    const [prefix = '', module = ''] = split(record);
    if (prefix === 'weight') {
      ranked.push({ rank: 0, task: () => verifyWeight(plan, golden, record, module) });
    } else if (prefix === 'linear_output') {
      ranked.push({ rank: 1, task: () => verifyLinearOutput(plan, golden, record, module, tolerance) });
    } else if (/^logits_\d+$/.test(record)) {
      ranked.push({ rank: 2, task: logits(record, record.slice('logits_'.length), 'exact') });
    } else if (/^logits_act_\d+$/.test(record)) {
      ranked.push({ rank: 3, task: logits(record, record.slice('logits_act_'.length), 'faithful') });
    } else if (!/^input_ids_\d+$/.test(record) && prefix !== 'linear_input') {
      ranked.push({ rank: 4, task: async () => unchecked(record, 'unknown', 'no rule for records of this kind yet') });
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
  if (!weight) return unchecked(record, 'weight', `the model has no linear or embedding ${module}`);
  const computed = await dequantize(plan, weight);
  const recorded = await golden.floats(record, computed.length);
  return { record, kind: 'weight', ...judgeWeight(compareValues(recorded, computed)) };
}

async function verifyWeightHash(plan: ModelPlan, module: string, hash: string): Promise<RecordReport> {
  const record = `weight_sha256.${module}`;
  const weight = weightOf(plan, module);
  if (!weight) return unchecked(record, 'weight-hash', `the model has no linear or embedding ${module}`);
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
  if (description?.kind !== 'linear' || !selection) {
    return unchecked(record, 'linear-output', `the model has no linear ${module}`);
  }
  const input = `linear_input.${module}`;
  const computed = await runLinear(plan, selection.kernel as LinearKernel, description, {
    values: await golden.floats(input),
    rows: golden.shape(input)[0] ?? 0,
  });
  return {
    record,
    kind: 'linear-output',
    ...judgeLinearOutput(compareValues(await golden.floats(record), computed), tolerance),
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

function unchecked(record: string, kind: RecordReport['kind'], why: string): RecordReport {
  return { record, kind, status: 'unchecked', rule: why };
}
