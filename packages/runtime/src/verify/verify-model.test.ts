import { createHash } from 'node:crypto';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeSafetensors } from '@lowbit/safetensors';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { planModel } from '../plan/plan-model.ts';
import { registry, shippedModel } from '../test-support/shipped-model.ts';
import { dequantizeModule, weightOf } from './module-weight.ts';
import { verifyModel } from './verify-model.ts';

const golden = join(shippedModel, 'golden.safetensors');

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lowbit-verify-'));
});
afterEach(() => rm(folder, { recursive: true }));

const int64 = (...values: number[]) => ({
  dtype: 'I64' as const,
  shape: [values.length],
  bytes: new Uint8Array(BigInt64Array.from(values, BigInt).buffer),
});
const float32 = (shape: readonly number[], fill: number) => ({
  dtype: 'F32' as const,
  shape,
  bytes: new Uint8Array(new Float32Array(shape.reduce((a, b) => a * b)).fill(fill).buffer),
});

async function recordedWeight(module: string): Promise<Uint8Array> {
  const plan = await planModel(shippedModel, { registry });
  try {
    const { buffer } = await dequantizeModule(plan, weightOf(plan, module)!);
    const { weight_sha256 } = JSON.parse(await readFile(join(shippedModel, 'golden.json'), 'utf8'));
    const bytes = new Uint8Array(buffer);
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(weight_sha256[module]);
    return bytes;
  } finally {
    await plan.checkpoint.close();
  }
}

describe('verifyModel', () => {
  it('passes on the shipped model, weights bit for bit', async () => {
    const progress: number[] = [];
    const report = await verifyModel(shippedModel, {
      registry,
      against: golden,
      onProgress: ({ done }) => progress.push(done),
    });
    expect(report.passed).toBe(true);
    expect(report.records.map(({ record, status }) => `${record} ${status}`)).toEqual([
      'weight_sha256.model.layers.0.self_attn.q_proj passed',
      'logits_0 passed',
    ]);
    // Far inside the limit of 1e-3: what is left is the order of f32 sums.
    expect(report.records[1]!.measures!.relative).toBeLessThan(1e-5);
    expect(report.records[1]!.measures).toMatchObject({ top1Agreement: 1 });
    expect(progress).toEqual([0, 1, 2]);
  });

  it('fails on a checkpoint whose scales were touched, by the hash and by the numbers of the weight', async () => {
    const module = 'model.layers.0.self_attn.q_proj';
    // The hash says that these are the numbers of the format's library.
    const weight = { dtype: 'F32' as const, shape: [256, 256], bytes: await recordedWeight(module) };
    const against = join(folder, 'weight.safetensors');
    await writeFile(against, writeSafetensors({ [`weight.${module}`]: weight }));
    expect((await verifyModel(shippedModel, { registry, against })).records).toMatchObject([
      { status: 'passed', rule: 'bit for bit', measures: { differing: 0, maxAbsDifference: 0 } },
    ]);

    await cp(shippedModel, folder, { recursive: true });
    const file = join(folder, 'model.safetensors');
    const bytes = await readFile(file);
    const header = JSON.parse(bytes.subarray(8, 8 + Number(bytes.readBigUInt64LE())).toString());
    const [start] = header[`${module}.scales`].data_offsets;
    const at = 8 + Number(bytes.readBigUInt64LE()) + start;
    bytes[at] = bytes[at]! ^ 1;
    await writeFile(file, bytes);
    const byHash = await verifyModel(folder, { registry, against: golden });
    expect(byHash.passed).toBe(false);
    expect(byHash.records[0]).toMatchObject({ record: `weight_sha256.${module}`, status: 'failed' });
    const { records } = await verifyModel(folder, { registry, against });
    const byNumbers = records.find(({ kind }) => kind === 'weight');
    expect(byNumbers).toMatchObject({ record: `weight.${module}`, status: 'failed', rule: 'bit for bit' });
    // One scale of one group of 128: all of its weights but those at the zero point.
    expect(byNumbers!.measures!.differing).toBeGreaterThan(64);
  });

  it('takes a tolerance of its own, and the hashes of golden.json', async () => {
    const against = join(folder, 'golden.safetensors');
    const wrong = '0'.repeat(64);
    await writeFile(against, writeSafetensors({ input_ids_0: int64(1, 2), logits_0: float32([2, 4096], 0) }));
    await writeFile(
      join(folder, 'golden.json'),
      JSON.stringify({ weight_sha256: { 'model.layers.0.mlp.up_proj': wrong, 'model.layers.99.x': wrong } }),
    );
    const statuses = async (tolerance?: number) => {
      const { records } = await verifyModel(shippedModel, { registry, against, tolerance });
      return records.map(({ record, status, rule }) => `${record} ${status}: ${rule}`);
    };
    expect(await statuses()).toEqual([
      'weight_sha256.model.layers.0.mlp.up_proj failed: the same SHA-256',
      'weight_sha256.model.layers.99.x failed: the model must have the module model.layers.99.x',
      'logits_0 failed: largest difference <= 0.001 of the range',
    ]);
    expect((await statuses(Number.POSITIVE_INFINITY))[2]).toBe(
      'logits_0 passed: largest difference <= Infinity of the range',
    );
  });

  it('says which records it cannot check', async () => {
    const against = join(folder, 'golden.safetensors');
    await writeFile(
      against,
      writeSafetensors({ input_ids_0: int64(1), logits_kv_0: float32([1, 4096], 0), mystery: float32([1], 0) }),
    );
    const { passed, records } = await verifyModel(shippedModel, { registry, against });
    expect(passed).toBe(true);
    expect(records.map(({ record, status }) => `${record} ${status}`).sort()).toEqual([
      'logits_kv_0 unchecked',
      'mystery unchecked',
    ]);
  });

  it('leaves records of other numerics alone when asked to', async () => {
    const { records } = await verifyModel(shippedModel, { registry, against: golden, numerics: 'faithful' });
    expect(records.map(({ record, status, rule }) => `${record} ${status}: ${rule}`)).toEqual([
      'weight_sha256.model.layers.0.self_attn.q_proj passed: the same SHA-256',
      'logits_0 unchecked: a record of a run with numerics exact, and only faithful was asked for',
    ]);
  });

  it('runs one linear alone, and judges each row on its own scale', async () => {
    const against = join(folder, 'golden.safetensors');
    const module = 'model.layers.0.mlp.down_proj';
    const zeros = {
      [`linear_input.${module}`]: float32([2, 768], 0),
      [`linear_output.${module}`]: float32([2, 256], 0),
    };
    await writeFile(against, writeSafetensors(zeros));
    expect((await verifyModel(shippedModel, { registry, against })).records).toMatchObject([
      { kind: 'linear-output', status: 'passed', measures: { rowRelative: 0 } },
    ]);
    await writeFile(against, writeSafetensors({ ...zeros, [`linear_output.${module}`]: float32([2, 256], 1e-9) }));
    expect((await verifyModel(shippedModel, { registry, against })).records).toMatchObject([
      { status: 'failed', rule: "largest difference <= 0.00001 of each row's largest output" },
    ]);
  });

  it.each([
    ['logits without their input', { logits_0: float32([1, 4096], 0) }, 'tensor input_ids_0: expected a record in'],
    [
      'logits of another size',
      { input_ids_0: int64(1, 2), logits_0: float32([1, 4096], 0) },
      'tensor logits_0: expected 8192 values',
    ],
    [
      'a weight of another size',
      { 'weight.lm_head': float32([1, 4096], 0) },
      'tensor weight.lm_head: expected 1048576 values',
    ],
    [
      'records of another type',
      { input_ids_0: int64(1), logits_0: int64(1) },
      'tensor logits_0: expected F32, found I64',
    ],
  ])('names %s', async (_, records, message) => {
    const against = join(folder, 'golden.safetensors');
    await writeFile(against, writeSafetensors(records));
    await expect(verifyModel(shippedModel, { registry, against })).rejects.toThrow(message);
  });

  it('names a missing record file', async () => {
    await expect(verifyModel(shippedModel, { registry, against: join(folder, 'none.safetensors') })).rejects.toThrow(
      'none.safetensors',
    );
  });
});
