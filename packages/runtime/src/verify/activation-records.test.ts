import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRegistry, type JsonObject } from '@lowbit/core';
import reference from '@lowbit/kernels-cpu-reference';
import { roundHalfEven } from '@lowbit/numerics';
import { type TensorData, writeSafetensors } from '@lowbit/safetensors';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openModel } from '../open-model.ts';
import { roundingMethod } from '../test-support/rounding-method.ts';
import { memoryFolder, tinyConfig, tinyTensors } from '../test-support/tiny-checkpoint.ts';
import { verifyModel } from './verify-model.ts';

const registry = createRegistry({ methods: [roundingMethod], backends: [reference] });
const module = 'model.layers.0.mlp.down_proj';
const [outFeatures, inFeatures] = [8, 12];
const tokenIds = [3, 1, 4, 1, 5, 9, 2, 6];

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lowbit-verify-'));
});
afterEach(() => rm(folder, { recursive: true }));

function checkpoint(settings?: JsonObject) {
  const quantization = settings && { quantization_config: { quant_method: 'rounding', ...settings } };
  return memoryFolder({ 'config.json': { ...tinyConfig, ...quantization } });
}

async function verify(
  settings: JsonObject | undefined,
  records: Readonly<Record<string, TensorData>>,
  tolerance?: number,
): Promise<readonly string[]> {
  const against = join(folder, 'golden.safetensors');
  await writeFile(against, writeSafetensors({ ...records, input_ids_0: int64(tokenIds) }));
  const report = await verifyModel(checkpoint(settings), { registry, against, tolerance });
  return report.records.map(({ record, kind, status, rule }) => `${record} ${status} (${kind}): ${rule}`);
}

/** What a model with these settings gives, from its own run. */
async function logitsOf(settings: JsonObject | undefined): Promise<TensorData> {
  const model = await openModel(checkpoint(settings), { registry, numerics: 'faithful' });
  const logits = await model.logits(tokenIds);
  await model.close();
  return float32([tokenIds.length, tinyConfig.vocab_size], logits);
}

describe('records of whole forwards', () => {
  const strict = 1e-6;
  const passed = (rule: string) => `passed (activation-logits): ${rule}`;
  const failed = (rule: string) => `failed (activation-logits): ${rule}`;
  const medianRule = (tolerance: number) => `median token's largest difference <= ${tolerance} of the range`;

  it('takes activations as the checkpoint does, and by 127 where it takes 127.5', async () => {
    const records = {
      logits_0: await logitsOf(undefined),
      logits_act_0: await logitsOf({ divisor: 127.5 }),
      logits_int_0: await logitsOf({ divisor: 127.5 }),
      logits_act127_0: await logitsOf({ divisor: 127 }),
    };
    expect(await verify({ divisor: 127.5 }, records, strict)).toEqual([
      'logits_0 passed (logits): largest difference <= 0.000001 of the range',
      `logits_act127_0 ${passed(medianRule(strict))}`,
      `logits_act_0 ${passed(medianRule(strict))}`,
      `logits_int_0 ${passed(medianRule(strict))}`,
    ]);
    const swapped = { logits_act_0: records.logits_act127_0, logits_act127_0: records.logits_act_0 };
    expect(await verify({ divisor: 127.5 }, swapped, strict)).toEqual([
      `logits_act127_0 ${failed(medianRule(strict))}`,
      `logits_act_0 ${failed(medianRule(strict))}`,
    ]);
    expect(await verify({ divisor: 127.5 }, { logits_act_0: records.logits_0 })).toEqual([
      `logits_act_0 ${passed(medianRule(0.025))}`,
    ]);
  });

  it('runs all tokens as generated ones', async () => {
    const settings = { divisor: 127.5, decoding_divisor: 31 };
    const records = {
      logits_int_dynamic_0: await logitsOf({ divisor: 127.5 }),
      logits_int_static_0: await logitsOf({ divisor: 31 }),
    };
    expect(await verify(settings, records, strict)).toEqual([
      `logits_int_dynamic_0 ${passed(medianRule(strict))}`,
      `logits_int_static_0 ${passed(medianRule(strict))}`,
    ]);
  });

  it('says why there is no such run', async () => {
    const logits = await logitsOf(undefined);
    expect(
      await verify(
        { divisor: 127 },
        {
          logits_act127_0: logits,
          logits_int_static_0: logits,
          logits_kv_0: logits,
          logits_act_kv_post_rope_0: logits,
        },
      ),
    ).toEqual([
      'logits_act127_0 unchecked (activation-logits): no module of the model has dynamic scales of divisor 127.5',
      'logits_int_static_0 unchecked (activation-logits): no module of the model treats generated tokens in another way',
      'logits_act_kv_post_rope_0 unchecked (kv-cache-logits): no KV cache of the model is quantized',
      'logits_kv_0 unchecked (kv-cache-logits): no KV cache of the model is quantized',
    ]);
  });

  it('quantizes the KV cache where the record says so', async () => {
    const settings = { divisor: 127.5, kv_type: 'f8e4m3' };
    const both = await logitsOf(settings);
    const cache = await logitsOf({ kv_type: 'f8e4m3' });
    const activations = await logitsOf({ divisor: 127.5 });
    const apart = { logits_act_0: activations, logits_int_0: activations, logits_int_c8_0: both };
    expect(await verify(settings, apart, strict)).toEqual([
      `logits_act_0 ${passed(medianRule(strict))}`,
      `logits_int_0 ${passed(medianRule(strict))}`,
      `logits_int_c8_0 passed (kv-cache-logits): ${medianRule(strict)}`,
    ]);
    // Where the cache was left out of nothing but logits, it is in logits_act.
    expect(await verify(settings, { logits_act_0: both, logits_kv_0: cache }, strict)).toEqual([
      `logits_act_0 ${passed(medianRule(strict))}`,
      `logits_kv_0 passed (kv-cache-logits): ${medianRule(strict)}`,
    ]);
    expect(await verify(settings, { logits_act_0: both, logits_kv_0: both }, strict)).toContain(
      `logits_kv_0 failed (kv-cache-logits): ${medianRule(strict)}`,
    );
    const rotated = { logits_act_kv_0: activations, logits_act_kv_post_rope_0: both };
    expect(await verify(settings, rotated, strict)).toEqual([
      'logits_act_kv_0 unchecked (kv-cache-logits): recorded with keys quantized before RoPE, as no cache keeps them',
      `logits_act_kv_post_rope_0 passed (kv-cache-logits): ${medianRule(strict)}`,
    ]);
    expect(await verify({ divisor: 127.5 }, { logits_act_0: both, logits_kv_0: cache }, strict)).toEqual([
      'logits_act_0 unchecked (activation-logits): no KV cache of the model is quantized',
      'logits_kv_0 unchecked (kv-cache-logits): no KV cache of the model is quantized',
    ]);
  });

  it('does not hold a simulation against the run of the stored values', async () => {
    const records = { logits_act_0: await logitsOf({ divisor: 3 }), logits_int_0: await logitsOf({ divisor: 127 }) };
    expect(await verify({ divisor: 127 }, records)).toEqual([
      `logits_act_0 unchecked (activation-logits): ${medianRule(0.025)}; but that is the model before it was saved: logits_int beside it is the run of the stored values`,
      `logits_int_0 ${passed(medianRule(0.025))}`,
    ]);
  });

  it('judges strictly where no activation is quantized: nothing can flip', async () => {
    expect(await verify(undefined, { logits_act_0: await logitsOf({ divisor: 127 }) })).toEqual([
      'logits_act_0 failed (activation-logits): largest difference <= 0.001 of the range',
    ]);
  });
});

describe('records of one linear', () => {
  /** Row 0 has its largest magnitude at a negative input, row 1 at a positive one. */
  const x = Float32Array.from(
    { length: 2 * inFeatures },
    (_, i) => Math.sin(3 * i) - (i === 5 ? 2 : 0) + (i === 20 ? 2 : 0),
  );
  const weight = new Float32Array(tinyTensors()[`${module}.weight`]!.bytes.buffer);

  interface Change {
    readonly row: number;
    readonly input: number;
    /** Added to the code. */
    readonly by: number;
  }

  function output(divisor: number, change?: Change) {
    const y = new Float32Array(2 * outFeatures);
    for (const row of [0, 1]) {
      const input = x.subarray(row * inFeatures, (row + 1) * inFeatures);
      const scale = Math.fround(Math.max(...input.map(Math.abs)) / divisor);
      const codes = [...input].map((value, i) => {
        const code = Math.max(-128, Math.min(127, roundHalfEven(Math.fround(value / scale))));
        return row === change?.row && i === change.input ? code + change.by : code;
      });
      for (let out = 0; out < outFeatures; out++) {
        y[row * outFeatures + out] = codes.reduce((sum, q, i) => sum + q * scale * weight[out * inFeatures + i]!, 0);
      }
    }
    return float32([2, outFeatures], y);
  }
  const records = (outputs: Readonly<Record<string, TensorData>>) => ({
    [`linear_input.${module}`]: float32([2, inFeatures], x),
    ...Object.fromEntries(Object.entries(outputs).map(([name, data]) => [`${name}.${module}`, data])),
  });
  const rule = "largest difference <= 0.00001 of each row's largest output";
  const tied = `${rule}, after the input at its rounding tie takes the neighbouring code in row 0`;

  it('each in its phase, and by 127', async () => {
    const outputs = {
      linear_output_prefill: output(255),
      linear_output_decode: output(127.5),
      linear_output: output(255),
      linear_output127: output(255),
    };
    expect(await verify({ divisor: 255, decoding_divisor: 127.5 }, records(outputs))).toEqual([
      `linear_output.${module} passed (linear-output): ${rule}`,
      `linear_output127.${module} passed (linear-output): ${rule}`,
      `linear_output_decode.${module} passed (linear-output): ${rule}`,
      `linear_output_prefill.${module} passed (linear-output): ${rule}`,
    ]);
    const swapped = { linear_output_prefill: output(127), linear_output_decode: output(255) };
    expect(await verify({ divisor: 255, decoding_divisor: 127 }, records(swapped))).toEqual([
      `linear_output_decode.${module} failed (linear-output): ${rule}`,
      `linear_output_prefill.${module} failed (linear-output): ${rule}`,
    ]);
  });

  it('lets the code at -amax fall to either side of its tie, and no other', async () => {
    const settings = { divisor: 127.5 };
    // Which of the two codes this run takes is for the last bit to say: both changes are tried.
    const judged = async (change: Change) => {
      const lines: string[] = [];
      for (const by of [change.by, -change.by]) {
        lines.push(...(await verify(settings, records({ linear_output: output(127.5, { ...change, by }) }))));
      }
      return lines.map((line) => line.replace(`linear_output.${module} `, ''));
    };
    expect(await judged({ row: 0, input: 5, by: 1 })).toContain(`passed (linear-output): ${tied}`);
    const failures = [`failed (linear-output): ${rule}`, `failed (linear-output): ${rule}`];
    expect(await judged({ row: 1, input: 5, by: 1 })).toEqual(failures);
    expect(await judged({ row: 0, input: 4, by: 1 })).toEqual(failures);
    const [plus, minus] = await judged({ row: 0, input: 5, by: 2 });
    expect([plus, minus]).toEqual([expect.stringContaining('failed'), expect.stringContaining('failed')]);
  });

  it('has no tie by 127, and says where there is no such run', async () => {
    const outputs = { linear_output127: output(127, { row: 0, input: 5, by: 1 }) };
    expect(await verify({ divisor: 127.5 }, records(outputs))).toEqual([
      `linear_output127.${module} failed (linear-output): ${rule}`,
    ]);
    expect(await verify({ divisor: 127 }, records({ linear_output127: output(127) }))).toEqual([
      `linear_output127.${module} unchecked (linear-output): the module has no dynamic scales of divisor 127.5`,
    ]);
  });
});

function int64(values: readonly number[]): TensorData {
  return { dtype: 'I64', shape: [values.length], bytes: new Uint8Array(BigInt64Array.from(values, BigInt).buffer) };
}

function float32(shape: readonly number[], values: Float32Array): TensorData {
  return { dtype: 'F32', shape, bytes: new Uint8Array(values.slice().buffer) };
}
