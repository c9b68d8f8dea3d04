// @ts-check
import { randomFillSync } from 'node:crypto';
import { mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { layerLinears } from './shapes.mjs';

/** @typedef {import('./shapes.mjs').Shape} Shape */
/** @typedef {{ readonly name: string, readonly dtype: string, readonly shape: readonly number[], readonly fill: (bytes: Uint8Array) => void }} Tensor */
/** @typedef {{ readonly bitsPerWeight: number, readonly ggufType: 'q4_0' | 'q8_0', readonly config: object, readonly linear: (name: string, out: number, into: number) => readonly Tensor[] }} Scheme */

const size = /** @type {const} */ ({ BF16: 2, F32: 4, I32: 4, F16: 2, I64: 8, I8: 1, F8_E4M3: 1 });

const compressedTensors = /** @type {const} */ ({
  quant_method: 'compressed-tensors',
  quantization_status: 'compressed',
  ignore: [],
});

/**
 * Ways to quantize the linears, head included; `ggufType` is what peers run beside them. Scales per group have 16 bits; scales
 * per row count for nothing.
 */
export const schemes = /** @type {const} */ ({
  'w4a16-g32': packed(32),
  'w4a16-g128': packed(128),
  w8a8: eightBit('int', 'I8', 'int-quantized'),
  fp8: eightBit('float', 'F8_E4M3', 'float-quantized'),
  'gptq-g128': alongInputs(128),
  'awq-g128': alongOutputs(128),
});

/**
 * Writes a Llama with random weights.
 * @param {string} folder
 * @param {Shape} shape
 * @param {keyof typeof schemes} scheme
 */
export function makeCheckpoint(folder, shape, scheme) {
  mkdirSync(folder, { recursive: true });
  const { config, linear } = schemes[scheme];
  writeTensors(join(folder, 'model.safetensors'), tensorsOf(shape, linear));
  const { hidden, layers, heads, kvHeads, feedForward, vocabulary, context } = shape;
  const written = {
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    hidden_size: hidden,
    intermediate_size: feedForward,
    num_hidden_layers: layers,
    num_attention_heads: heads,
    num_key_value_heads: kvHeads,
    vocab_size: vocabulary,
    max_position_embeddings: context,
    rms_norm_eps: 1e-5,
    rope_theta: 10_000,
    hidden_act: 'silu',
    tie_word_embeddings: false,
    quantization_config: config,
  };
  writeFileSync(join(folder, 'config.json'), JSON.stringify(written, undefined, 2));
}

/**
 * @param {Shape} shape
 * @param {Scheme['linear']} linear
 * @returns {readonly Tensor[]}
 */
function tensorsOf(shape, linear) {
  const { hidden, layers, vocabulary } = shape;
  /** @param {string} name */
  const norm = (name) => ({ name, dtype: 'BF16', shape: [hidden], fill: constant(1) });
  /** @type {Tensor[]} */
  const tensors = [
    { name: 'model.embed_tokens.weight', dtype: 'BF16', shape: [vocabulary, hidden], fill: smallNumbers },
    norm('model.norm.weight'),
    ...linear('lm_head', vocabulary, hidden),
  ];
  for (let layer = 0; layer < layers; layer++) {
    const prefix = `model.layers.${layer}`;
    tensors.push(norm(`${prefix}.input_layernorm.weight`), norm(`${prefix}.post_attention_layernorm.weight`));
    for (const [name, , out, into] of layerLinears(shape)) tensors.push(...linear(`${prefix}.${name}`, out, into));
  }
  return tensors;
}

/** As compressed-tensors packs. @param {number} groupSize @returns {Scheme} */
function packed(groupSize) {
  const weights = { num_bits: 4, type: 'int', strategy: 'group', group_size: groupSize, symmetric: true };
  return {
    bitsPerWeight: 4 + 16 / groupSize,
    ggufType: 'q4_0',
    config: {
      ...compressedTensors,
      format: 'pack-quantized',
      config_groups: { group_0: { targets: ['Linear'], weights } },
    },
    linear: (name, out, into) => [
      { name: `${name}.weight_packed`, dtype: 'I32', shape: [out, into / 8], fill: randomFillSync },
      {
        name: `${name}.weight_scale`,
        dtype: 'BF16',
        shape: [out, into / groupSize],
        fill: constant(scaleFor(into, 4.6)),
      },
      {
        name: `${name}.weight_shape`,
        dtype: 'I64',
        shape: [2],
        fill: (bytes) => new BigInt64Array(bytes.buffer, bytes.byteOffset, 2).set([BigInt(out), BigInt(into)]),
      },
    ],
  };
}

/** As GPTQ packs, symmetric. @param {number} groupSize @returns {Scheme} */
function alongInputs(groupSize) {
  return {
    bitsPerWeight: 4 + 20 / groupSize,
    ggufType: 'q4_0',
    config: { quant_method: 'gptq', bits: 4, group_size: groupSize, sym: true, desc_act: false, lm_head: true },
    linear: (name, out, into) => [
      { name: `${name}.qweight`, dtype: 'I32', shape: [into / 8, out], fill: randomFillSync },
      {
        name: `${name}.qzeros`,
        dtype: 'I32',
        shape: [into / groupSize, out / 8],
        fill: (bytes) => void bytes.fill(0x77),
      },
      { name: `${name}.scales`, dtype: 'F16', shape: [into / groupSize, out], fill: halves(scaleFor(into, 4.6)) },
    ],
  };
}

/** As AWQ packs. @param {number} groupSize @returns {Scheme} */
function alongOutputs(groupSize) {
  return {
    bitsPerWeight: 4 + 20 / groupSize,
    ggufType: 'q4_0',
    config: {
      quant_method: 'awq',
      bits: 4,
      group_size: groupSize,
      zero_point: true,
      version: 'gemm',
      modules_to_not_convert: null,
      lm_head: true,
    },
    linear: (name, out, into) => [
      { name: `${name}.qweight`, dtype: 'I32', shape: [into, out / 8], fill: randomFillSync },
      { name: `${name}.qzeros`, dtype: 'I32', shape: [into / groupSize, out / 8], fill: randomFillSync },
      { name: `${name}.scales`, dtype: 'F16', shape: [into / groupSize, out], fill: halves(scaleFor(into, 4.6)) },
    ],
  };
}

/** @param {string} type @param {string} dtype @param {string} format @returns {Scheme} */
function eightBit(type, dtype, format) {
  const weights = { num_bits: 8, type, strategy: 'channel', symmetric: true };
  const input_activations = { num_bits: 8, type, strategy: 'token', dynamic: true, symmetric: true };
  const spread = type === 'int' ? 74 : 100;
  return {
    bitsPerWeight: 8,
    ggufType: 'q8_0',
    config: {
      ...compressedTensors,
      format,
      config_groups: { group_0: { targets: ['Linear'], weights, input_activations } },
    },
    linear: (name, out, into) => [
      { name: `${name}.weight`, dtype, shape: [out, into], fill: type === 'int' ? randomFillSync : finiteFloats },
      { name: `${name}.weight_scale`, dtype: 'BF16', shape: [out, 1], fill: constant(scaleFor(into, spread)) },
    ],
  };
}

/** A scale that keeps the outputs of random codes of this spread about as large as the inputs. */
function scaleFor(/** @type {number} */ into, /** @type {number} */ spread) {
  return 1 / (spread * Math.sqrt(into));
}

/** @param {number} value */
function constant(value) {
  const bits = new Uint32Array(Float32Array.of(value).buffer)[0] ?? 0;
  return (/** @type {Uint8Array} */ bytes) =>
    void new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2).fill(bits >>> 16);
}

/** Fills with the f16 below a normal number of f16. @param {number} value */
export function halves(value) {
  const bits = new Uint32Array(Float32Array.of(value).buffer)[0] ?? 0;
  const half = ((bits >>> 13) & 0x3ff) | (((bits >>> 23) - 112) << 10);
  return (/** @type {Uint8Array} */ bytes) =>
    void new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2).fill(half);
}

/** bf16 between 2^-8 and 2^-4, of either sign. @param {Uint8Array} bytes */
function smallNumbers(bytes) {
  const words = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);
  randomFillSync(words);
  for (let index = 0; index < words.length; index++) words[index] = ((words[index] ?? 0) & 0x81ff) | 0x3c00;
}

/** e4m3 without its two NaNs. @param {Uint8Array} bytes */
function finiteFloats(bytes) {
  randomFillSync(bytes);
  for (let index = 0; index < bytes.length; index++) if (((bytes[index] ?? 0) & 0x7f) === 0x7f) bytes[index] = 0;
}

/** @param {string} path @param {readonly Tensor[]} tensors */
function writeTensors(path, tensors) {
  /** @type {Record<string, object>} */
  const header = {};
  let end = 0;
  for (const { name, dtype, shape } of tensors) {
    const start = end;
    end += bytesOf(dtype, shape);
    header[name] = { dtype, shape, data_offsets: [start, end] };
  }
  const json = JSON.stringify(header);
  const text = Buffer.from(json.padEnd(Math.ceil(json.length / 8) * 8));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  const file = openSync(path, 'w');
  writeSync(file, length);
  writeSync(file, text);
  for (const { dtype, shape, fill } of tensors) {
    const bytes = new Uint8Array(bytesOf(dtype, shape));
    fill(bytes);
    writeSync(file, bytes);
  }
}

/** @param {string} dtype @param {readonly number[]} shape */
function bytesOf(dtype, shape) {
  return shape.reduce((product, one) => product * one, size[/** @type {keyof typeof size} */ (dtype)]);
}
