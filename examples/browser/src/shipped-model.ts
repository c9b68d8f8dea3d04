/** Where the page finds the model, from its own address. */
export const modelPath = 'models/dense-awq/';

export const modelFiles = [
  'config.json',
  'generation_config.json',
  'model.safetensors',
  'tokenizer.json',
  'tokenizer_config.json',
] as const;
