import type { DecoderConfig } from './decoder-config.ts';
import type { ProgramBuilder } from './program-builder.ts';

/** Multi-head latent attention: keys and values come out of one small vector per token, but for what RoPE turns. */
export interface LatentAttention {
  /** Queries come out of a small vector too, of this width. Absent: one projection. */
  readonly queryRank?: number;
  /** Width of the vector that keys and values come out of. */
  readonly keyValueRank: number;
  /** Features of each query and key that RoPE leaves alone; they come first. */
  readonly plainSize: number;
  /** Features that it turns; all heads of a token share those of the key. */
  readonly rotatedSize: number;
  readonly valueSize: number;
  /** RoPE turns neighbours, not halves. */
  readonly interleaved: boolean;
  /** Projections from and to the hidden state have a bias, but for `q_proj`. */
  readonly hasBias: boolean;
  /** Multiplies the dot products. */
  readonly scale: number;
}

/** Of the two inner norms: fixed in DeepSeek's own code, whatever `rms_norm_eps` says. */
const epsilon = 1e-6;

/**
 * Makes `update` from `normed`. Keys and values are expanded before they enter the cache.
 * Source: DeepSeek-AI, "DeepSeek-V2" (2024), section 2.1.
 */
export function addLatentAttention(
  builder: ProgramBuilder,
  attention: string,
  { hiddenSize, numHeads, rope }: DecoderConfig,
  { queryRank, keyValueRank, plainSize, rotatedSize, valueSize, interleaved, hasBias, scale }: LatentAttention,
): void {
  const headSize = plainSize + rotatedSize;
  const expandedSize = plainSize + valueSize;
  const query = { output: 'query', outFeatures: numHeads * headSize };
  builder.project('normed', hiddenSize, [
    queryRank === undefined
      ? { module: `${attention}.q_proj`, ...query }
      : { module: `${attention}.q_a_proj`, output: 'queryLatent', outFeatures: queryRank, hasBias },
    {
      module: `${attention}.kv_a_proj_with_mqa`,
      output: 'compressed',
      outFeatures: keyValueRank + rotatedSize,
      hasBias,
    },
  ]);
  if (queryRank !== undefined) {
    builder.rmsNorm(`${attention}.q_a_layernorm`, 'queryLatent', 'queryLatent', { size: queryRank, epsilon });
    builder.project('queryLatent', queryRank, [{ module: `${attention}.q_b_proj`, ...query }]);
  }

  builder.concat('latent', 1, [{ input: 'compressed', start: 0, stride: 0, size: keyValueRank }]);
  builder.concat('rotatedKey', 1, [{ input: 'compressed', start: keyValueRank, stride: 0, size: rotatedSize }]);
  builder.rmsNorm(`${attention}.kv_a_layernorm`, 'latent', 'latent', { size: keyValueRank, epsilon });
  const turn = { kind: 'rope', ...rope, ...(interleaved ? { interleaved } : {}) } as const;
  builder.add({ ...turn, values: ['query'], headSize, offset: plainSize });
  builder.add({ ...turn, values: ['rotatedKey'], headSize: rotatedSize });

  builder.project('latent', keyValueRank, [
    { module: `${attention}.kv_b_proj`, output: 'expanded', outFeatures: numHeads * expandedSize },
  ]);
  builder.concat('key', numHeads, [
    { input: 'expanded', start: 0, stride: expandedSize, size: plainSize },
    { input: 'rotatedKey', start: 0, stride: 0, size: rotatedSize },
  ]);
  builder.concat('value', numHeads, [{ input: 'expanded', start: plainSize, stride: expandedSize, size: valueSize }]);
  const heads = { numKvHeads: numHeads, headSize, valueHeadSize: valueSize };
  builder.add({
    kind: 'attention',
    cache: builder.module({ kind: 'kvCache', name: attention, ...heads }),
    query: 'query',
    key: 'key',
    value: 'value',
    output: builder.value('attended', numHeads * valueSize),
    numHeads,
    ...heads,
    scale,
  });
  builder.project('attended', numHeads * valueSize, [
    { module: `${attention}.o_proj`, output: 'update', outFeatures: hiddenSize, hasBias },
  ]);
}
