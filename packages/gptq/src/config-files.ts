/** Files beside config.json that hold GPTQ settings, in the order in which they are believed. */
export const configFiles = ['quantize_config.json', 'quant_config.json', 'quantization_config.json'] as const;
