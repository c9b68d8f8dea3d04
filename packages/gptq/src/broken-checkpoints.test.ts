import { type JsonObject, type LinearSpec, LowbitError } from '@lowbit/core';
import { describe, expect, it } from 'vitest';
import {
  checkpointOf,
  describeModule,
  linear,
  type Shapes,
  tensorsOfA,
  usual,
} from './__fixtures__/made-up-checkpoint.ts';
import { parseGptqConfig } from './gptq-config.ts';

const place = 'config.json: quantization_config';

describe('settings', () => {
  const disagree = 'Two places disagree and only one can fit the tensors: correct or delete the wrong one.';

  it.each<[string, JsonObject | undefined, string, Record<string, JsonObject>?]>([
    [
      'none',
      undefined,
      `${place}: expected the settings of a GPTQ checkpoint, here or in quantize_config.json, found nothing`,
    ],
    [
      'no bits',
      { bits: undefined },
      `${place}: expected bits or wbits or w_bit, an integer from 2 to 8, found nothing`,
    ],
    [
      'no group size',
      { group_size: null },
      `${place}: expected group_size or q_group_size, a positive integer, or -1 for one group per output feature, found nothing\nWriters disagree on what its absence means.`,
    ],
    [
      'no desc_act and no index',
      { desc_act: undefined },
      `${place}: expected desc_act, true or false, found nothing\nWriters disagree on what its absence means, and no module has a g_idx.`,
    ],
    ['bits as text', { bits: '4' }, `${place}.bits: expected an integer from 2 to 8, found "4"`],
    ['16 bits', { bits: 16 }, `${place}.bits: expected an integer from 2 to 8, found 16`],
    [
      'group size 0',
      { group_size: 0 },
      `${place}.group_size: expected a positive integer, or -1 for one group per output feature, found 0`,
    ],
    ['half a group', { group_size: 0.5 }, `${place}.group_size: expected a positive integer`],
    ['desc_act as text', { desc_act: 'false' }, `${place}.desc_act: expected true or false, found "false"`],
    ['sym as a number', { sym: 1 }, `${place}.sym: expected true or false, found 1`],
    [
      'another method',
      { quant_method: 'awq' },
      `${place}.quant_method: expected one of gptq, marlin, bitblas, auto-round, intel/auto-round, found "awq"`,
    ],
    [
      'an unknown format',
      { checkpoint_format: 'gptq_v3' },
      `${place}.checkpoint_format: expected one of gptq, gptq_v2, gptq_p, marlin, marlin_24, bitblas, found "gptq_v3"`,
    ],
    [
      'two formats',
      { checkpoint_format: 'gptq', format: 'gptq_v2' },
      `${place}.format: expected "gptq", as ${place}.checkpoint_format says, found "gptq_v2"\n${disagree}`,
    ],
    [
      'an unknown word size',
      { pack_dtype: 'int4' },
      `${place}.pack_dtype: expected one of int32, int8, int16, int64, found "int4"`,
    ],
    ['a list of rules', { dynamic: ['.*'] }, `${place}.dynamic: expected an object or null, found [".*"]`],
    [
      'a rule that is a number',
      { dynamic: { '.*': 8 } },
      `${place}.dynamic[".*"]: expected an object with settings, found 8`,
    ],
    [
      'a rule with a width as text',
      { dynamic: { '.*': { bits: '8' } } },
      `${place}.dynamic[".*"].bits: expected an integer from 2 to 8, found "8"`,
    ],
    [
      'a rule with a group size of -2',
      { dynamic: { '.*': { group_size: -2 } } },
      `${place}.dynamic[".*"].group_size: expected a positive integer`,
    ],
    [
      'a pattern that does not compile',
      { dynamic: { '-:model.(layers': {} } },
      `${place}.dynamic: expected regular expressions of module names, found "model.(layers"\nregular expression "model.(layers", character 7: "(" without ")"`,
    ],
    [
      'a pattern that looks ahead',
      { dynamic: { '(?!lm_head).*': { bits: 8 } } },
      'character 1: lookahead is not supported',
    ],
    [
      'an extra width of 12',
      { extra_config: { a: { bits: 12 } } },
      `${place}.extra_config["a"].bits: expected an integer from 2 to 8, found 12`,
    ],
    [
      'modules as numbers',
      { modules_in_block_to_quantize: [[1]] },
      `${place}.modules_in_block_to_quantize: expected a list of names, or of lists of names, found [[1]]`,
    ],
    [
      'two files with other widths',
      {},
      `quantize_config.json: wbits: expected 4, as ${place}.bits says, found 8\n${disagree}`,
      { 'quantize_config.json': { wbits: 8 } },
    ],
    [
      'two files with other rules',
      { dynamic: { a: { bits: 8 } } },
      `quantize_config.json: dynamic: expected {"a":{"bits":8}}, as ${place}.dynamic says, found {"a":{"bits":2}}`,
      { 'quantize_config.json': { dynamic: { a: { bits: 2 } } } },
    ],
    [
      'two files with other extras',
      { extra_config: { a: { bits: 8 } } },
      `quantization_config.json: extra_config: expected {"a":{"bits":8}}`,
      { 'quantization_config.json': { extra_config: {} } },
    ],
  ])('%s', (_, more, message, sideFiles = {}) => {
    const parse = () => parseGptqConfig(checkpointOf(more && { ...usual, ...more }, {}, sideFiles));
    expect(parse).toThrow(message);
    expect(parse).toThrow(expect.toSatisfy(LowbitError.isInstance));
  });
});

describe('tensors', () => {
  const { 'a.qweight': __, ...noCodes } = tensorsOfA;
  const { 'a.qzeros': ___, ...noZeros } = tensorsOfA;
  const { 'a.scales': ____, ...noScales } = tensorsOfA;
  const { 'a.g_idx': _, ...noIndex } = tensorsOfA;
  const together = 'The settings and the tensors do not belong together.';

  it.each<[string, Shapes, string, JsonObject?, Partial<LinearSpec>?]>([
    [
      'neither codes nor floats',
      noCodes,
      'tensor a.qweight: expected either a.qweight (quantized) or a.weight (unquantized), found neither',
    ],
    [
      'both codes and floats',
      { ...tensorsOfA, 'a.weight': ['F16', [8, 8]] },
      'tensor a.weight: expected either a.qweight (quantized) or a.weight (unquantized), found both',
    ],
    ['no zero points', noZeros, 'tensor a.qzeros: expected I32 [2, 1], found no such tensor'],
    ['no scales', noScales, 'tensor a.scales: expected F16 or BF16 or F32 [2, 8], found no such tensor'],
    [
      'no index under act-order',
      noIndex,
      'tensor a.g_idx: expected I32 or I64 [8], as desc_act is true, found no such tensor\nWithout it nobody knows which input features share a scale.',
      { desc_act: true },
    ],
    [
      'no index where others have one',
      { ...noIndex, 'b.g_idx': ['I32', [8]] },
      'tensor a.g_idx: expected I32 or I64 [8], as other modules have one, found no such tensor',
    ],
    [
      'no bias',
      tensorsOfA,
      'tensor a.bias: expected F16 or BF16 or F32 [8], found no such tensor',
      {},
      { hasBias: true },
    ],
    [
      'codes of another width',
      { ...tensorsOfA, 'a.qweight': ['I32', [2, 8]] },
      `${place}.bits: expected 8 bits, as a.qweight has 2 rows for 8 input features, found 4\n${together}`,
    ],
    [
      'codes of another width than a rule says',
      tensorsOfA,
      `${place}.dynamic["a"].bits: expected 4 bits, as a.qweight has 1 rows for 8 input features, found 8`,
      { dynamic: { a: { bits: 8 } } },
    ],
    [
      'codes of no width',
      { ...tensorsOfA, 'a.qweight': ['I32', [3, 8]] },
      'tensor a.qweight: expected [1, 8], found [3, 8]',
    ],
    [
      'codes of another module',
      { ...tensorsOfA, 'a.qweight': ['I32', [1, 16]] },
      'tensor a.qweight: expected [1, 8], found [1, 16]',
    ],
    ['codes as floats', { ...tensorsOfA, 'a.qweight': ['F16', [1, 8]] }, 'tensor a.qweight: expected I32, found F16'],
    [
      'another number of groups',
      { ...tensorsOfA, 'a.scales': ['F16', [4, 8]] },
      `${place}.group_size: expected groups of 2, as a.scales has 4 rows for 8 input features, found 4\n${together}`,
    ],
    [
      'no number of groups',
      { ...tensorsOfA, 'a.scales': ['F16', [3, 8]] },
      'tensor a.scales: expected [2, 8], found [3, 8]',
    ],
    [
      'scales as integers',
      { ...tensorsOfA, 'a.scales': ['I32', [2, 8]] },
      'tensor a.scales: expected F16 or BF16 or F32, found I32',
    ],
    [
      'scales transposed',
      { ...tensorsOfA, 'a.scales': ['F16', [8, 2]] },
      'tensor a.scales: expected [2, 8], found [8, 2]',
    ],
    [
      'fewer rows of zero points than of scales',
      { ...tensorsOfA, 'a.qzeros': ['I32', [1, 1]] },
      'tensor a.qzeros: expected [2, 1], found [1, 1]',
    ],
    [
      'unpacked zero points',
      { ...tensorsOfA, 'a.qzeros': ['F16', [2, 8]] },
      'tensor a.qzeros: expected packed zero points, I32 [2, 1], found F16 [2, 8], one number per zero point\nUnpacked zero points, as some tools write them, are not supported.',
    ],
    [
      'an index of floats',
      { ...tensorsOfA, 'a.g_idx': ['F32', [8]] },
      'tensor a.g_idx: expected I32 or I64, found F32',
    ],
    [
      'an index that is too short',
      { ...tensorsOfA, 'a.g_idx': ['I32', [7]] },
      'tensor a.g_idx: expected [8], found [7]',
    ],
    [
      'indices of fused modules',
      { ...tensorsOfA, 'a.g_idx': ['I32', [24]] },
      'tensor a.g_idx: expected [8], found [24]: the indices of 3 modules that were fused when they were quantized\nSuch stacked indices are not supported.',
    ],
    [
      'partial words of inputs',
      { 'a.qweight': ['I32', [3, 32]] },
      'tensor a.qweight: expected a multiple of 32 in features, as 3-bit codes fill whole I32 words, found 40 in features\nSuch a module must be left unquantized.',
      { bits: 3 },
      { inFeatures: 40, outFeatures: 32 },
    ],
    [
      'partial words of outputs',
      { 'a.qweight': ['I32', [1, 12]] },
      'tensor a.qzeros: expected a multiple of 8 out features, as 4-bit codes fill whole I32 words, found 12 out features',
      {},
      { outFeatures: 12 },
    ],
    [
      'a tensor that nobody knows',
      { ...tensorsOfA, 'a.perm': ['I32', [8]] },
      'tensor a.perm: expected every tensor to belong to a module of the model',
    ],
  ])('%s', (_, shapes, message, more = {}, spec = {}) => {
    const parse = () => describeModule({ ...usual, ...more }, shapes, linear('a', spec));
    expect(parse).toThrow(message);
    expect(parse).toThrow(expect.toSatisfy(LowbitError.isInstance));
  });
});
