/**
 * Writes `src/__fixtures__/tiny-llama-fp8-block`: a checkpoint with random weights, made from the format's public
 * description, and what its linears have to give. Codes are written with @lowbit/numerics; what is expected of them is
 * computed here from the definition of e4m3, so that a mistake in one does not hide in the other.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { encodeElements } from '@lowbit/numerics';

const folder = fileURLToPath(new URL('../__fixtures__/tiny-llama-fp8-block/', import.meta.url));
const block = 128;
// Not multiples of 128: the last blocks are partial.
const [hidden, intermediate, vocab, heads, kvHeads, headSize] = [160, 224, 32, 4, 2, 40];

interface Tensor {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

const checkpoint = new Map<string, Tensor>();
const golden = new Map<string, Tensor>();
const hashes: Record<string, string> = {};
const random = createRandom(20250101);

/** Every positive number of e4m3: exponent bias 7, three bits of mantissa, largest 448. */
const magnitudes = Array.from({ length: 127 }, (_, code) => {
  const [exponent, mantissa] = [code >> 3, code & 7];
  return exponent === 0 ? (mantissa / 8) * 2 ** -6 : (1 + mantissa / 8) * 2 ** (exponent - 7);
});

addFloats('model.embed_tokens.weight', [vocab, hidden]);
addFloats('model.norm.weight', [hidden]);
addFloats('model.layers.0.input_layernorm.weight', [hidden]);
addFloats('model.layers.0.post_attention_layernorm.weight', [hidden]);
addFloats('lm_head.weight', [vocab, hidden]);
addLinear('model.layers.0.self_attn.q_proj', heads * headSize, hidden);
addLinear('model.layers.0.self_attn.k_proj', kvHeads * headSize, hidden);
addLinear('model.layers.0.self_attn.v_proj', kvHeads * headSize, hidden);
addLinear('model.layers.0.self_attn.o_proj', hidden, heads * headSize);
addLinear('model.layers.0.mlp.gate_proj', intermediate, hidden);
addLinear('model.layers.0.mlp.up_proj', intermediate, hidden);
addLinear('model.layers.0.mlp.down_proj', hidden, intermediate);

mkdirSync(folder, { recursive: true });
writeFileSync(`${folder}model.safetensors`, safetensors(checkpoint));
writeFileSync(`${folder}golden.safetensors`, safetensors(golden));
writeJson('golden.json', { weight_sha256: hashes });
writeJson('provenance.json', {
  made_by: 'examples/plugins/fp8/src/test-support/make-fixture.ts',
  weights: 'random',
  expected: 'computed by the script from the definition of e4m3, in f64 where it sums',
});
writeJson('config.json', {
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  vocab_size: vocab,
  hidden_size: hidden,
  intermediate_size: intermediate,
  num_hidden_layers: 1,
  num_attention_heads: heads,
  num_key_value_heads: kvHeads,
  head_dim: headSize,
  max_position_embeddings: 64,
  rms_norm_eps: 1e-6,
  rope_theta: 10000,
  hidden_act: 'silu',
  tie_word_embeddings: false,
  torch_dtype: 'bfloat16',
  quantization_config: {
    quant_method: 'fp8',
    activation_scheme: 'dynamic',
    fmt: 'e4m3',
    weight_block_size: [block, block],
    modules_to_not_convert: ['lm_head'],
  },
});

/** A quantized linear, the weight that it means, and what it gives for three tokens. */
function addLinear(name: string, out: number, into: number): void {
  const columns = Math.ceil(into / block);
  const scales = Float32Array.from({ length: Math.ceil(out / block) * columns }, () => 1e-4 * (1 + Math.abs(random())));
  const values = Float32Array.from({ length: out * into }, () => 100 * random());
  const bytes = encodeElements(values, 'f8e4m3');
  checkpoint.set(`${name}.weight`, { dtype: 'F8_E4M3', shape: [out, into], bytes });
  const scaleShape = [scales.length / columns, columns];
  checkpoint.set(`${name}.weight_scale_inv`, { dtype: 'F32', shape: scaleShape, bytes: bytesOf(scales) });

  const weight = Float32Array.from(bytes, (byte, index) => {
    const [o, i] = [Math.floor(index / into), index % into];
    const scale = scales[Math.floor(o / block) * columns + Math.floor(i / block)]!;
    return (byte & 0x80 ? -1 : 1) * magnitudes[byte & 0x7f]! * scale;
  });
  hashes[name] = createHash('sha256').update(bytesOf(weight)).digest('hex');
  const tokens = 3;
  const input = Float32Array.from({ length: tokens * into }, () => 3 * random());
  const output = new Float32Array(tokens * out);
  for (let token = 0; token < tokens; token++) {
    const x = quantizeActivations(input.subarray(token * into, (token + 1) * into));
    for (let o = 0; o < out; o++) {
      output[token * out + o] = x.reduce((sum, value, i) => sum + value * weight[o * into + i]!, 0);
    }
  }
  golden.set(`linear_input.${name}`, { dtype: 'F32', shape: [tokens, into], bytes: bytesOf(input) });
  golden.set(`linear_output.${name}`, { dtype: 'F32', shape: [tokens, out], bytes: bytesOf(output) });
}

/** One token as e4m3 and back, in runs of 128 features. Scale, quotient and product are f32, as a GPU has them. */
function quantizeActivations(row: Float32Array): Float32Array {
  const quantized = new Float32Array(row.length);
  for (let start = 0; start < row.length; start += block) {
    const group = row.subarray(start, start + block);
    const largest = group.reduce((best, value) => Math.max(best, Math.abs(value)), 0);
    const scale = Math.fround(largest / 448);
    group.forEach((value, index) => {
      quantized[start + index] = nearestE4m3(Math.fround(value / scale)) * scale;
    });
  }
  return quantized;
}

/** Of two equally near numbers, the one with an even code. */
function nearestE4m3(value: number): number {
  const magnitude = Math.abs(value);
  const above = magnitudes.findIndex((number) => number >= magnitude);
  const high = above < 0 ? magnitudes.length - 1 : above;
  const low = Math.max(0, high - 1);
  const [toLow, toHigh] = [magnitude - magnitudes[low]!, magnitudes[high]! - magnitude];
  const code = toLow < toHigh || (toLow === toHigh && low % 2 === 0) ? low : high;
  return Math.sign(value) * magnitudes[code]!;
}

function addFloats(name: string, shape: readonly number[]): void {
  const values = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, random);
  checkpoint.set(name, { dtype: 'BF16', shape, bytes: encodeElements(values, 'bf16') });
}

/** The file format: length of the header, the header as JSON, and the bytes of the tensors. */
function safetensors(tensors: ReadonlyMap<string, Tensor>): Uint8Array {
  let offset = 0;
  const entries = [...tensors].map(([name, { dtype, shape, bytes }]) => {
    const start = offset;
    offset += bytes.length;
    return [name, { dtype, shape, data_offsets: [start, offset] }] as const;
  });
  const json = JSON.stringify(Object.fromEntries(entries));
  const header = Buffer.from(json.padEnd(Math.ceil(json.length / 8) * 8));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, header, ...[...tensors.values()].map(({ bytes }) => bytes)]);
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function writeJson(name: string, value: unknown): void {
  writeFileSync(`${folder}${name}`, `${JSON.stringify(value, null, 2)}\n`);
}

/** Numbers from -1 to 1, the same each time: mulberry32. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), state | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return (((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32) * 2 - 1;
  };
}
