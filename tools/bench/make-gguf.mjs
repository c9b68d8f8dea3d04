// @ts-check
import { randomFillSync } from 'node:crypto';
import { closeSync, openSync, renameSync, writeSync } from 'node:fs';
import { layerLinears } from './shapes.mjs';

/** @typedef {import('./shapes.mjs').Shape} Shape */

// Source: the GGUF specification of ggml, version 3.
const valueTypes = /** @type {const} */ ({ uint32: 4, float32: 6, string: 8, array: 9 });
const tensorTypes = /** @type {const} */ ({ f32: 0, q4_0: 2, q8_0: 8 });
const alignment = 32;

/**
 * Kinds of matrices: blocks of 32 codes and an f16 scale, under which random codes give weights of about the same size.
 * `file` is the kind's number in `general.file_type`.
 */
export const ggufTypes = /** @type {const} */ ({
  q4_0: { bitsPerWeight: 4.5, blockBytes: 18, scale: 0x1c00, file: 2 },
  q8_0: { bitsPerWeight: 8.5, blockBytes: 34, scale: 0x0c00, file: 7 },
});

/**
 * Writes a Llama with random weights, every matrix of one type.
 * @param {string} path
 * @param {Shape} shape
 * @param {keyof typeof ggufTypes} matrixType
 */
export function makeGguf(path, shape, matrixType) {
  const { hidden, layers, heads, kvHeads, feedForward, vocabulary, context } = shape;
  const tokens = Array.from({ length: vocabulary }, (_, index) => tokenText(index));
  const metadata = [
    text('general.architecture', 'llama'),
    text('general.name', 'random'),
    uint32('llama.context_length', context),
    uint32('llama.embedding_length', hidden),
    uint32('llama.block_count', layers),
    uint32('llama.feed_forward_length', feedForward),
    uint32('llama.attention.head_count', heads),
    uint32('llama.attention.head_count_kv', kvHeads),
    uint32('llama.rope.dimension_count', hidden / heads),
    uint32('llama.vocab_size', vocabulary),
    uint32('general.file_type', ggufTypes[matrixType].file),
    float32('llama.attention.layer_norm_rms_epsilon', 1e-5),
    text('tokenizer.ggml.model', 'llama'),
    array('tokenizer.ggml.tokens', valueTypes.string, tokens.map(string)),
    array(
      'tokenizer.ggml.scores',
      valueTypes.float32,
      tokens.map((_, index) => f32(-index)),
    ),
    array(
      'tokenizer.ggml.token_type',
      5,
      tokens.map((_, index) => u32(tokenType(index))),
    ),
    uint32('tokenizer.ggml.bos_token_id', 1),
    uint32('tokenizer.ggml.eos_token_id', 2),
  ];
  const tensors = tensorsOf(shape, matrixType);
  let end = 0;
  const infos = tensors.map(({ name, dimensions, type, bytes }) => {
    const info = Buffer.concat([
      string(name),
      u32(dimensions.length),
      ...dimensions.map((one) => u64(one)),
      u32(tensorTypes[type]),
      u64(end),
    ]);
    end += Math.ceil(bytes / alignment) * alignment;
    return info;
  });
  const header = Buffer.concat([
    Buffer.from('GGUF'),
    u32(3),
    u64(tensors.length),
    u64(metadata.length),
    ...metadata,
    ...infos,
  ]);
  const file = openSync(`${path}.part`, 'w');
  writeSync(file, padded(header));
  for (const { type, bytes } of tensors) writeSync(file, padded(type === 'f32' ? ones(bytes) : blocks(bytes, type)));
  closeSync(file);
  renameSync(`${path}.part`, path);
}

/** A SentencePiece vocabulary: three special tokens, one for each byte, then words. @param {number} index */
function tokenText(index) {
  if (index < 3) return ['<unk>', '<s>', '</s>'][index] ?? '';
  return index < 259 ? `<0x${(index - 3).toString(16).toUpperCase().padStart(2, '0')}>` : `t${index}`;
}

/** @param {number} index */
function tokenType(index) {
  if (index < 3) return 3;
  return index < 259 ? 6 : 1;
}

/** @param {Shape} shape @param {keyof typeof ggufTypes} type */
function tensorsOf(shape, type) {
  const { hidden, layers, vocabulary } = shape;
  const norm = (/** @type {string} */ name) => ({
    name,
    dimensions: [hidden],
    type: /** @type {const} */ ('f32'),
    bytes: hidden * 4,
  });
  const matrix = (/** @type {string} */ name, /** @type {number} */ out, /** @type {number} */ into) => ({
    name,
    dimensions: [into, out],
    type,
    bytes: (out * into * ggufTypes[type].blockBytes) / 32,
  });
  const all = [
    matrix('token_embd.weight', vocabulary, hidden),
    norm('output_norm.weight'),
    matrix('output.weight', vocabulary, hidden),
  ];
  for (let layer = 0; layer < layers; layer++) {
    all.push(norm(`blk.${layer}.attn_norm.weight`), norm(`blk.${layer}.ffn_norm.weight`));
    for (const [, name, out, into] of layerLinears(shape)) all.push(matrix(`blk.${layer}.${name}.weight`, out, into));
  }
  return all;
}

/** @param {number} bytes @param {keyof typeof ggufTypes} type */
function blocks(bytes, type) {
  const { blockBytes, scale } = ggufTypes[type];
  const data = Buffer.alloc(bytes);
  randomFillSync(data);
  for (let at = 0; at < bytes; at += blockBytes) data.writeUInt16LE(scale, at);
  return data;
}

/** @param {number} bytes */
function ones(bytes) {
  return Buffer.from(new Float32Array(bytes / 4).fill(1).buffer);
}

/** @param {Buffer} data */
function padded(data) {
  return Buffer.concat([data, Buffer.alloc((alignment - (data.length % alignment)) % alignment)]);
}

const u32 = (/** @type {number} */ value) => Buffer.from(Uint32Array.of(value).buffer);
const u64 = (/** @type {number} */ value) => Buffer.from(BigUint64Array.of(BigInt(value)).buffer);
const f32 = (/** @type {number} */ value) => Buffer.from(Float32Array.of(value).buffer);
const string = (/** @type {string} */ value) => Buffer.concat([u64(Buffer.byteLength(value)), Buffer.from(value)]);
const text = (/** @type {string} */ key, /** @type {string} */ value) =>
  Buffer.concat([string(key), u32(valueTypes.string), string(value)]);
const uint32 = (/** @type {string} */ key, /** @type {number} */ value) =>
  Buffer.concat([string(key), u32(valueTypes.uint32), u32(value)]);
const float32 = (/** @type {string} */ key, /** @type {number} */ value) =>
  Buffer.concat([string(key), u32(valueTypes.float32), f32(value)]);
const array = (/** @type {string} */ key, /** @type {number} */ type, /** @type {readonly Buffer[]} */ values) =>
  Buffer.concat([string(key), u32(valueTypes.array), u32(type), u64(values.length), ...values]);
