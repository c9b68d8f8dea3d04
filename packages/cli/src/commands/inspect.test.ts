import type { Inspection } from '@lowbit/runtime';
import { describe, expect, it } from 'vitest';
import { fakeRuntime } from '../test-support/fake-runtime.ts';
import { runCommand } from '../test-support/run-command.ts';

const inspection: Inspection = {
  path: '/models/m',
  architecture: 'LlamaForCausalLM',
  modelType: 'llama',
  quantMethod: 'gptq',
  quantizationSource: 'config.json: quantization_config',
  settings: undefined,
  notes: ['No installed method reads gptq. Install it.'],
  files: [{ name: 'model.safetensors', bytes: 5000, tensors: 3 }],
  tensors: [
    { name: 'h.0.qweight', dtype: 'I32', shape: [16, 16], bytes: 1024, file: 'model.safetensors' },
    { name: 'h.1.qweight', dtype: 'I32', shape: [16, 16], bytes: 1024, file: 'model.safetensors' },
    { name: 'evil\x1b]0;', dtype: 'F16', shape: [], bytes: 2, file: 'model.safetensors' },
  ],
  bytesByDType: { I32: 2048, F16: 2 },
  totalBytes: 2050,
};

const runtime = fakeRuntime({ inspectModel: async () => inspection });

describe('lowbit inspect', () => {
  it('shows what the folder holds, tensors that differ in their layer as one', async () => {
    const { code, stdout } = await runCommand(['inspect', '.'], runtime);
    expect(code).toBe(0);
    expect(stdout).toMatchInlineSnapshot(`
      "model         /models/m
      architecture  LlamaForCausalLM (model_type llama)
      quantization  gptq (from config.json: quantization_config)
      note          No installed method reads gptq. Install it.

      file               tensors      size
      model.safetensors        3  4.88 KiB

      dtype      size   share
      I32    2.00 KiB  99.9 %
      F16         2 B   0.1 %
      total  2.00 KiB

      tensor            count  dtype  shape         size
      h.{0..1}.qweight      2  I32    [16, 16]  2.00 KiB
      evil\\x1b]0;           1  F16    []             2 B
      "
    `);
  });

  it('shows every tensor with --tensors', async () => {
    const { stdout } = await runCommand(['inspect', '.', '--tensors'], runtime);
    expect(stdout).toMatch(/\nh\.0\.qweight +1 +I32 +\[16, 16\] +1\.00 KiB\n/);
    expect(stdout).toContain('\nh.1.qweight ');
  });

  it('prints the inspection as it is with --json', async () => {
    const { stdout } = await runCommand(['inspect', '.', '--json'], runtime);
    expect(JSON.parse(stdout)).toEqual(JSON.parse(JSON.stringify(inspection)));
  });
});
