import { createByteSource, type TensorData, writeSafetensors } from '@lowbit/safetensors';
import type { ModelFolder } from '../checkpoint/model-folder.ts';

/** A Llama of two layers and next to no width, unquantized, with weights from a small formula. */
export const tinyConfig = {
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  vocab_size: 11,
  hidden_size: 8,
  intermediate_size: 12,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  max_position_embeddings: 64,
  hidden_act: 'silu',
  rms_norm_eps: 1e-5,
  rope_theta: 10_000,
  tie_word_embeddings: false,
  eos_token_id: 2,
};

export type Tensors = Record<string, TensorData>;

export function tinyTensors(): Tensors {
  const tensors: Tensors = {
    'model.embed_tokens.weight': floats(11, 8),
    'model.norm.weight': floats(8),
    'lm_head.weight': floats(11, 8),
  };
  for (const layer of [0, 1]) {
    const prefix = `model.layers.${layer}`;
    tensors[`${prefix}.input_layernorm.weight`] = floats(8);
    tensors[`${prefix}.post_attention_layernorm.weight`] = floats(8);
    tensors[`${prefix}.self_attn.q_proj.weight`] = floats(8, 8);
    tensors[`${prefix}.self_attn.k_proj.weight`] = floats(4, 8);
    tensors[`${prefix}.self_attn.v_proj.weight`] = floats(4, 8);
    tensors[`${prefix}.self_attn.o_proj.weight`] = floats(8, 8);
    tensors[`${prefix}.mlp.gate_proj.weight`] = floats(12, 8);
    tensors[`${prefix}.mlp.up_proj.weight`] = floats(12, 8);
    tensors[`${prefix}.mlp.down_proj.weight`] = floats(8, 12);
  }
  return tensors;
}

/** F32 values that differ from tensor to tensor and stay within -1..1. */
export function floats(...shape: readonly number[]): TensorData {
  const size = shape.reduce((product, one) => product * one, 1);
  const values = Float32Array.from({ length: size }, (_, index) => Math.sin(index * 1.7 + size));
  return { dtype: 'F32', shape, bytes: new Uint8Array(values.buffer) };
}

/** A checkpoint folder in memory. Objects become JSON; `undefined` takes a file away. */
export function memoryFolder(files: Readonly<Record<string, unknown>> = {}): ModelFolder {
  const all = { 'config.json': tinyConfig, 'model.safetensors': writeSafetensors(tinyTensors()), ...files };
  const contents = new Map(
    Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [[name, toBytes(value)]])),
  );
  return {
    path: 'tiny',
    list: async () => [...contents.keys()],
    open: async (name) => createByteSource(contents.get(name)!, name),
  };
}

function toBytes(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  return new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value));
}
