import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import awq from '@lowbit/awq';
import { createTensorLedger, formatLayout, type LinearDescription, type LinearSpec } from '@lowbit/core';
import reference from '@lowbit/kernels-cpu-reference';
import { openModelFolder } from '@lowbit/runtime';
import { openSafetensors } from '@lowbit/safetensors';
import { afterAll, describe, expect, it } from 'vitest';

const path = fileURLToPath(new URL('../examples/models/dense-awq', import.meta.url));
const module = 'model.layers.0.self_attn.q_proj';

describe(`the way of ${module}, from the file to a kernel`, async () => {
  // #region checkpoint
  const folder = await openModelFolder(path);
  const checkpoint = await openSafetensors(folder);
  const qweight = checkpoint.tensors.get(`${module}.qweight`);
  // #endregion
  afterAll(() => checkpoint.close());

  it('a reference to bytes', () => {
    expect(qweight).toEqual({
      name: 'model.layers.0.self_attn.q_proj.qweight',
      dtype: 'I32',
      shape: [256, 32],
      file: 'model.safetensors',
      start: 362736,
      end: 395504,
    });
  });

  const source = await folder.open('config.json');
  const config = JSON.parse(new TextDecoder().decode(await source.read(0, source.size)));
  await source.close();

  // #region describe
  const spec: LinearSpec = {
    kind: 'linear',
    name: module,
    outFeatures: 256,
    inFeatures: 256,
    hasBias: false,
    role: 'projection',
  };
  const settings = awq.parseConfig({ config, sideFiles: new Map(), tensors: checkpoint.tensors });
  const answer = settings.linearScheme(spec);
  if (answer.kind !== 'scheme') throw new Error('this module is quantized');
  const description: LinearDescription = answer.scheme.describe(spec, createTensorLedger(checkpoint.tensors));
  // #endregion

  it('a description', () => {
    const { codes, scales, zero } = description.weight;
    expect(description.scheme).toBe('w4a16');
    expect(formatLayout(codes.layout)).toBe('[in, out/8] x 4-bit (out%2, out/2%4) in 32-bit words');
    expect(scales.map(({ type, block }) => ({ type, block }))).toEqual([{ type: 'f16', block: [1, 128] }]);
    expect(zero?.ref.name).toBe('model.layers.0.self_attn.q_proj.qzeros');
  });

  // #region prepare
  const probe = await reference.probe();
  if (probe.kind !== 'ready') throw new Error('the reference backend runs anywhere');
  const { device } = probe;
  const kernel = reference.kernels.linear.find((one) => !one.refuse(description, device, 'exact'));
  const linear = await kernel?.prepare(description, { device, numerics: 'exact', bytes: checkpoint });
  // #endregion

  it('an output, equal bit for bit to what the format library computes', async () => {
    const { weight_sha256: recorded } = JSON.parse(await readFile(`${path}/golden.json`, 'utf8'));

    // Inputs of one 1 and 255 zeros: each output is one column of the weight.
    const identity = Float32Array.from({ length: 256 * 256 }, (_, index) => (index % 257 === 0 ? 1 : 0));
    const columns = await linear!.forward(identity, 256);
    const weight = Float32Array.from({ length: 256 * 256 }, (_, index) => columns[(index % 256) * 256 + (index >> 8)]!);
    expect(createHash('sha256').update(weight).digest('hex')).toBe(recorded[module]);
  });
});
