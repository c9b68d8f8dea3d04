import { autoRoundFields, fields, weightFields } from './gptq-fields.ts';

/** Fields that may hold null, false or nothing only, and why. */
export const refusedFields: Readonly<Record<string, string>> = {
  adapter: 'low-rank adapters that correct the weights',
  rotation: 'rotated weights, whose activations need the rotation too',
  rotation_config: 'rotated weights, whose activations need the rotation too',
  static_kv_dtype: 'a quantized KV cache',
  static_attention_dtype: 'quantized attention',
};

/** Fields that do not change what the tensors mean. */
const harmlessFields: readonly string[] = [
  // How the checkpoint was made, and with what.
  'meta',
  'damp_percent',
  'damp_auto_increment',
  'true_sequential',
  'act_group_aware',
  'hyb_act',
  'static_groups',
  'mse',
  'dataset',
  'tokenizer',
  'model_seqlen',
  'batch_size',
  'pad_token_id',
  'cache_block_outputs',
  'provider',
  'autoround_version',
  'iters',
  'lr',
  'minmax_lr',
  'nsamples',
  'seqlen',
  'gradient_accumulate_steps',
  'enable_quanted_input',
  'enable_minmax_tuning',
  'enable_norm_bias_tuning',
  'amp',
  'low_gpu_mem_usage',
  'scale_dtype',
  'enable_alg_ext',
  // Names and places of files.
  'model_name_or_path',
  'model_file_base_name',
  // Which blocks were quantized: the tensors show it.
  'block_name_to_quantize',
  'to_quant_block_names',
  'quant_block_list',
  'quant_lm_head',
  'module_name_preceding_first_block',
  'modules_to_not_convert',
  // Kernels and limits at run time (optimum, transformers).
  'use_exllama',
  'use_cuda_fp16',
  'disable_exllama',
  'exllama_config',
  'max_input_length',
  'backend',
  // Granularity of activation and KV quantization, written also where neither is quantized (AutoRound).
  'act_group_size',
  'act_sym',
  'act_data_type',
  'act_dynamic',
  'static_attention_granularity',
  'static_kv_granularity',
];

/** Of a rule for some modules. */
export const overrideFields: ReadonlySet<string> = new Set([
  ...Object.values(weightFields).flatMap(({ spellings }) => spellings),
  ...autoRoundFields.dataType.spellings,
  ...autoRoundFields.actBits.spellings,
  // How the module was quantized.
  'mse',
  'damp_percent',
  'damp_auto_increment',
  'static_groups',
  'act_group_aware',
  'true_sequential',
  'fallback',
  // Of activations that are not quantized.
  'act_group_size',
  'act_sym',
  'act_data_type',
  'act_dynamic',
]);

export const knownFields: ReadonlySet<string> = new Set([
  ...Object.values({ ...fields, ...autoRoundFields }).flatMap(({ spellings }) => spellings),
  ...Object.keys(refusedFields),
  ...harmlessFields,
]);
