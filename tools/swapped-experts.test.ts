import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRegistry, type TensorRef } from '@lowbit/core';
import reference from '@lowbit/kernels-cpu-reference';
import { verifyModel } from '@lowbit/runtime';
import { openFileSource, openSafetensorsFile } from '@lowbit/safetensors';
import { expect, it, onTestFinished } from 'vitest';
import { methodPackages } from './method-packages.ts';
import { root } from './workspace.ts';

const methods = (await methodPackages()).map(({ method }) => method);
const registry = createRegistry({ methods, backends: [reference] });

/** A checkpoint with experts for each method, a file of it and two tensors of equal shape that only their experts tell apart. */
const swaps = [
  ['examples/models/moe-ct-w4a16', 'model', 'layers.0.mlp.experts.{}.up_proj.weight_scale'],
  ['packages/awq/src/__fixtures__/micro-mixtral-awq', 'model', 'layers.0.block_sparse_moe.experts.{}.w1.scales'],
  ['packages/gptq/src/__fixtures__/micro-qwen3-moe-gptq', 'model', 'layers.1.mlp.experts.{}.down_proj.scales'],
  [
    'packages/quark/src/__fixtures__/micro-qwen3-moe-quark-mxfp4',
    'model',
    'layers.0.mlp.experts.{}.up_proj.weight_scale',
  ],
  [
    'packages/modelslim/src/__fixtures__/micro-qwen3-moe-modelslim-w4a8',
    'quant_model_weights-00001-of-00001',
    'layers.0.mlp.experts.{}.gate_proj.weight_scale',
  ],
] as const;

it.each(swaps)('%s: verify notices two experts with swapped scales', async (fixture, file, pattern) => {
  const folder = mkdtempSync(join(tmpdir(), 'lowbit-swapped-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  cpSync(join(root, fixture), folder, { recursive: true });
  const against = join(folder, 'golden.safetensors');
  const before = await verifyModel(folder, { registry, against });
  expect(before.records.filter(({ status }) => status === 'failed')).toEqual([]);

  const weights = join(folder, `${file}.safetensors`);
  const source = await openFileSource(weights);
  const { tensors } = await openSafetensorsFile(source, file);
  await source.close();
  const scales = ['0', '1'].map((expert) => tensors.get(`model.${pattern.replace('{}', expert)}`)!);
  writeFileSync(weights, swapped(readFileSync(weights), scales as [TensorRef, TensorRef]));

  const after = await verifyModel(folder, { registry, against });
  expect(after.records.filter(({ status }) => status === 'failed').map(({ record }) => record)).not.toEqual([]);
});

function swapped(bytes: Buffer, [left, right]: readonly [TensorRef, TensorRef]): Buffer {
  const result = Buffer.from(bytes);
  bytes.copy(result, left.start, right.start, right.end);
  bytes.copy(result, right.start, left.start, left.end);
  expect(result.equals(bytes), 'the two differ').toBe(false);
  return result;
}
