import { decoderModules, testMethod } from '@lowbit/testkit';
import manifest from '../package.json' with { type: 'json' };
import tiedConfig from './__fixtures__/micro-qwen2-modelslim-v0-w8a8/config.json' with { type: 'json' };
import modelslim from './index.ts';

const fixtures = [
  'micro-llama-modelslim-v0-w4a16', // pairs along in, bf16 scales, offsets that are not zero
  'micro-llama-modelslim-v0-w4a8-unpacked', // two levels of scales, a code per byte, name with a suffix
  'micro-llama-modelslim-w4a4-mxfp4',
  'micro-llama-modelslim-w8a8-mix',
  'micro-qwen3-moe-modelslim-w4a8', // pairs along out, scale_bias; experts whose projections differ
];
const tied = 'micro-qwen2-modelslim-v0-w8a8'; // static, biases, bf16 scales
const pathOf = (name: string) => new URL(`__fixtures__/${name}/`, import.meta.url);

const q = 'model.layers.0.self_attn.q_proj';
const down = 'model.layers.0.mlp.down_proj';
const description = {
  'model.embed_tokens.weight': 'FLOAT',
  [`${q}.weight`]: 'W8A8',
  [`${q}.quant_bias`]: 'W8A8',
  [`${q}.input_scale`]: 'W8A8',
  [`${q}.input_offset`]: 'W8A8',
  [`${q}.deq_scale`]: 'W8A8',
  [`${down}.weight`]: 'W8A8_DYNAMIC',
  [`${down}.weight_scale`]: 'W8A8_DYNAMIC',
  [`${down}.weight_offset`]: 'W8A8_DYNAMIC',
  'lm_head.weight': 'FLOAT',
  version: '1.0.0',
  model_quant_type: 'W8A8',
  metadata: {},
  group_size: 0,
  optional: {},
};
const file = 'quant_model_description.json';
const absent = `${file}: the checkpoint has no model.embed_tokens.weight and 9 more`;

testMethod({
  method: modelslim,
  manifest: manifest.lowbit,
  // The file holds a copy of the tied table: a runtime leaves it aside, here it must be accounted for.
  fixtures: [
    ...fixtures.map((name) => ({ path: pathOf(name) })),
    { path: pathOf(tied), modules: decoderModules({ ...tiedConfig, tie_word_embeddings: false }) },
  ],
  accepts: [
    {
      name: 'the usual description',
      config: {},
      sideFiles: { [file]: description },
      settings: {
        file,
        modelType: 'W8A8',
        version: '1.0.0',
        groupSize: 0,
        weights: 'FLOAT: 2, W8A8: 1, W8A8_DYNAMIC: 1',
        kvCache: null,
      },
      warnings: [absent],
    },
    {
      name: 'a name with a suffix, no version, an unknown field',
      config: {},
      sideFiles: { 'quant_model_description_w8a8.json': { 'a.weight': 'FLOAT', turbo: true } },
      settings: { file: 'quant_model_description_w8a8.json', modelType: null, version: null, groupSize: 0 },
      warnings: [
        'quant_model_description_w8a8.json: turbo: unknown field, not read',
        'quant_model_description_w8a8.json: the checkpoint has no a.weight',
      ],
    },
    {
      name: 'beside the settings of another method',
      config: { quantization_config: { quant_method: 'compressed-tensors' } },
      sideFiles: { [file]: description },
      settings: { file },
      warnings: [absent],
    },
  ],
  rejects: [
    {
      name: 'no description',
      config: { quantization_config: { quant_method: 'modelslim' } },
      message: `${file}: expected a description of every tensor, beside config.json, found nothing`,
    },
    {
      name: 'an unknown type',
      config: {},
      sideFiles: { [file]: { ...description, [`${q}.weight`]: 'W3A3' } },
      message: `${file}: ${q}.weight: expected a type: FLOAT, W16A16S, W8A8, `,
    },
  ],
});
