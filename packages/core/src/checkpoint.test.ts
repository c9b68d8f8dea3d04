import { describe, expect, it } from 'vitest';
import { findQuantizationConfig, isJsonObject } from './checkpoint.ts';

describe('findQuantizationConfig', () => {
  const value = { quant_method: 'awq' };

  it.each([
    [{ quantization_config: value }, 'config.json: quantization_config'],
    [{ text_config: { quantization_config: value } }, 'config.json: text_config.quantization_config'],
    [{ compression_config: value }, 'config.json: compression_config'],
  ])('%j', (config, source) => {
    expect(findQuantizationConfig(config)).toEqual({ source, value });
  });

  it('prefers the top level', () => {
    expect(findQuantizationConfig({ text_config: { quantization_config: {} }, quantization_config: value })).toEqual({
      source: 'config.json: quantization_config',
      value,
    });
  });

  it.each([{}, { quantization_config: null }, { quantization_config: 'awq' }, { text_config: [] }])(
    'nothing in %j',
    (config) => {
      expect(findQuantizationConfig(config)).toBeUndefined();
    },
  );
});

describe('isJsonObject', () => {
  it('takes objects only', () => {
    expect([{}, [], null, 'x', 1].map(isJsonObject)).toEqual([true, false, false, false, false]);
  });
});
