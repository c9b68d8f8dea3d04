import { describe, expect, it } from 'vitest';
import { checkQuantization } from './check-quantization.ts';

/** What `--quantization` of SGLang takes. */
const sglangNames = [
  'fp8',
  'mxfp8',
  'blockwise_int8',
  'modelopt',
  'modelopt_fp8',
  'modelopt_fp4',
  'nvfp4_online',
  'modelopt_mixed',
  'w8a8_int8',
  'w8a8_fp8',
  'awq',
  'awq_marlin',
  'bitsandbytes',
  'gguf',
  'gptq',
  'gptq_marlin',
  'moe_wna16',
  'compressed-tensors',
  'w4afp8',
  'petit_nvfp4',
  'quark',
  'quark_mxfp4',
  'auto-round',
  'auto-round-int8',
  'modelslim',
  'quark_int4fp8_moe',
  'humming',
  'mxfp_w4a8',
  'mxfp4',
  'mlx_q4',
  'mlx_q8',
  'unquant',
];

describe.each([
  { method: 'awq', aliases: ['awq_marlin', 'marlin'], taken: ['awq', 'awq_marlin'] },
  {
    method: 'gptq',
    aliases: ['gptq_marlin', 'marlin', 'moe_wna16'],
    taken: ['gptq', 'gptq_marlin', 'moe_wna16'],
  },
  { method: 'gptq', aliases: ['auto-round'], taken: ['gptq', 'auto-round'] },
  { method: 'compressed-tensors', aliases: ['w8a8_int8'], taken: ['w8a8_int8', 'compressed-tensors'] },
  { method: 'quark', aliases: [], taken: ['quark'] },
  { method: 'modelslim', aliases: [], taken: ['modelslim'] },
  { method: 'unquantized', aliases: [], taken: ['unquant'] },
])('a checkpoint of $method, also $aliases', ({ taken, ...checkpoint }) => {
  const model = { ...checkpoint, path: '/models/m' };

  it('takes its own names, however they are written, and no other of SGLang', () => {
    const spellings = (name: string) => [
      name,
      name.toUpperCase(),
      name.replaceAll('_', '-'),
      name.replaceAll('-', '_'),
    ];
    const accepts = (name: string) => {
      try {
        checkQuantization(name, model);
        return true;
      } catch {
        return false;
      }
    };
    expect(sglangNames.filter(accepts)).toEqual(taken);
    for (const name of taken) expect(spellings(name).map(accepts)).toEqual([true, true, true, true]);
  });
});

it('says that the name of another engine is taken as the method', () => {
  const model = { method: 'compressed-tensors', aliases: ['w8a8_int8'], path: '/models/m' };
  expect(checkQuantization('compressed_tensors', model)).toBeUndefined();
  expect(checkQuantization('W8A8_INT8', model)).toBe(
    '--quantization W8A8_INT8 is taken as compressed-tensors: kernels are chosen by the backend (see lowbit explain)',
  );
});

it.each([
  [
    { method: 'gptq', aliases: ['gptq_marlin', 'marlin'] },
    '--quantization fp8: the checkpoint is gptq, elsewhere known as gptq_marlin, marlin (/models/m)\nLeave the option out, or write --quantization gptq. Checkpoints are run as they are, never converted.',
  ],
  [
    { method: 'quark', aliases: [] },
    '--quantization fp8: the checkpoint is quark (/models/m)\nLeave the option out, or write --quantization quark. Checkpoints are run as they are, never converted.',
  ],
  [
    { method: 'unquantized', aliases: [] },
    '--quantization fp8: the checkpoint is not quantized (/models/m)\nLeave the option out. Checkpoints are run as they are, never converted.',
  ],
])('says what the checkpoint is: %j', (checkpoint, message) => {
  expect(() => checkQuantization('fp8', { ...checkpoint, path: '/models/m' })).toThrow(message);
});
