// @ts-check

/**
 * Llama shapes that both sides run.
 * @typedef {object} Shape
 * @property {number} hidden
 * @property {number} layers
 * @property {number} heads
 * @property {number} kvHeads
 * @property {number} feedForward
 * @property {number} vocabulary
 * @property {number} context
 */

/** @type {Readonly<Record<string, Shape>>} */
export const shapes = {
  '0.5b': {
    hidden: 1280,
    layers: 24,
    heads: 20,
    kvHeads: 4,
    feedForward: 3584,
    vocabulary: 32_000,
    context: 8192,
  },
  '1.1b': {
    hidden: 2048,
    layers: 22,
    heads: 32,
    kvHeads: 4,
    feedForward: 5632,
    vocabulary: 32_000,
    context: 8192,
  },
};

/**
 * The linears of one layer, `[out, in]`, under their names in a Hugging Face checkpoint and in GGUF.
 * @param {Shape} shape
 * @returns {readonly (readonly [name: string, gguf: string, out: number, into: number])[]}
 */
export function layerLinears({ hidden, heads, kvHeads, feedForward }) {
  const kv = (hidden / heads) * kvHeads;
  return [
    ['self_attn.q_proj', 'attn_q', hidden, hidden],
    ['self_attn.k_proj', 'attn_k', kv, hidden],
    ['self_attn.v_proj', 'attn_v', kv, hidden],
    ['self_attn.o_proj', 'attn_output', hidden, hidden],
    ['mlp.gate_proj', 'ffn_gate', feedForward, hidden],
    ['mlp.up_proj', 'ffn_up', feedForward, hidden],
    ['mlp.down_proj', 'ffn_down', hidden, feedForward],
  ];
}
