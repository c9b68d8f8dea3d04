import { writeSafetensors } from '@lowbit/safetensors';
import { describe, expect, it } from 'vitest';
import { explainModel } from '../plan/explain-model.ts';
import { registry } from '../test-support/shipped-model.ts';
import { floats, memoryFolder, tinyConfig, tinyTensors } from '../test-support/tiny-checkpoint.ts';
import { findModel } from './find-model.ts';

/** The tiny Llama as the text part of a LLaVA, as older files spell it. */
function llava(config: object = {}, tensors = {}) {
  const text = Object.entries(tinyTensors()).map(([name, data]) => [`language_model.${name}`, data]);
  const eye = { 'vision_tower.patch.weight': floats(2, 2), image_newline: floats(8) };
  return memoryFolder({
    'config.json': { model_type: 'llava', text_config: tinyConfig, vision_config: {}, ...config },
    'model.safetensors': writeSafetensors({ ...Object.fromEntries(text), ...eye, ...tensors }),
  });
}

describe('multimodal checkpoints', () => {
  it('say which tensors they leave aside, and why', async () => {
    const { unused, modules } = await explainModel(llava(), { registry });
    const reason = 'the part of llava that sees: only its text part runs';
    expect(unused).toEqual([
      { tensor: 'image_newline', reason },
      { tensor: 'vision_tower.patch.weight', reason },
    ]);
    expect(modules[0]?.module).toBe('language_model.model.embed_tokens');
  });

  it('leave nothing else aside', async () => {
    const stray = llava({}, { 'language_model.model.layers.0.adapter.weight': floats(2, 2) });
    await expect(explainModel(stray, { registry })).rejects.toThrow(
      'tensor language_model.model.layers.0.adapter.weight: expected every tensor to belong to a module of the model',
    );
  });

  it('use a head that is in the file whatever the two configs say of tying', async () => {
    const heads = async (config: object, tensors = {}) => {
      const { modules } = await explainModel(llava(config, tensors), { registry });
      return modules.find(({ module }) => module === 'language_model.lm_head')?.rule;
    };
    expect(await heads({ tie_word_embeddings: true })).toBe('the checkpoint is not quantized');
    const { 'language_model.lm_head.weight': _, ...headless } = Object.fromEntries(
      Object.entries(tinyTensors()).map(([name, data]) => [`language_model.${name}`, data]),
    );
    const without = memoryFolder({
      'config.json': { model_type: 'llava', text_config: tinyConfig, tie_word_embeddings: true },
      'model.safetensors': writeSafetensors(headless),
    });
    const { modules } = await explainModel(without, { registry });
    expect(modules.find(({ module }) => module === 'language_model.lm_head')?.rule).toBe(
      'tied to language_model.model.embed_tokens',
    );
  });

  it('fill in what older files leave to the class of their text part', () => {
    const text_config = { model_type: 'llama', vocab_size: 32_064, rms_norm_eps: 1e-5, max_position_embeddings: 4096 };
    const program = findModel({ model_type: 'llava' }).program({
      config: { model_type: 'llava', text_config },
      tensors: new Map(),
    });
    expect(program).toMatchObject({ modelType: 'llava', vocabSize: 32_064, contextLength: 4096 });
    expect(program.values.hidden).toBe(4096);
    expect(program.modules.filter(({ name }) => name.endsWith('.mlp.gate_proj'))).toHaveLength(32);
  });

  it('take the fields of older Qwen2-VL files from beside those of the whole; time, height and width are one for text', () => {
    const { text_config: _, ...older } = {
      ...tinyConfig,
      model_type: 'qwen2_vl',
      rope_scaling: { type: 'mrope', mrope_section: [1, 1] },
      text_config: undefined,
      vision_config: {},
    };
    const { operations, modules } = findModel(older).program({ config: older, tensors: new Map() });
    expect(modules.map(({ name }) => name)).toContain('language_model.model.layers.0.self_attn.q_proj');
    expect(operations.find(({ kind }) => kind === 'rope')).toMatchObject({ attentionFactor: 1 });
  });

  it('refuse a text part that cannot run, by name', () => {
    const config = { model_type: 'llava', text_config: { model_type: 'phi3' } };
    expect(() => findModel(config).program({ config, tensors: new Map() })).toThrow(
      'config.json: model_type "phi3" is not supported',
    );
  });
});
