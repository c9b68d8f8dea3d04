import type { ModelProgram } from '@lowbit/core';
import type { DecoderConfig } from './decoder-config.ts';
import { addFeedForward, type FeedForward } from './feed-forward.ts';
import { addLatentAttention, type LatentAttention } from './latent-attention.ts';
import { createProgramBuilder, type ProgramBuilder } from './program-builder.ts';

/** Where architectures of the Llama family differ. */
export type DecoderTraits = (GroupedAttention | { readonly latentAttention: LatentAttention }) & {
  feedForward(layer: number): FeedForward;
};

interface GroupedAttention {
  /** Query, key and value projections have a bias. */
  readonly qkvBias: boolean;
  /** So has the output projection. */
  readonly outputBias: boolean;
  /** Queries and keys are normalized per head, before RoPE. */
  readonly headNorms: boolean;
}

/**
 * The pre-norm decoder that Llama began: per layer, attention and a feed-forward part, each with its norm before and its
 * input added after.
 */
export function decoderProgram(config: DecoderConfig, traits: DecoderTraits): ModelProgram {
  const { hiddenSize, vocabSize, epsilon } = config;
  const builder = createProgramBuilder();
  const hidden = builder.value('hidden', hiddenSize);
  const normed = builder.value('normed', hiddenSize);
  const size = { size: hiddenSize, epsilon };

  const embedding = builder.module({ kind: 'embedding', name: 'model.embed_tokens', vocabSize, hiddenSize });
  builder.add({ kind: 'embedding', module: embedding, output: hidden });
  for (let index = 0; index < config.numLayers; index++) {
    const layer = `model.layers.${index}`;
    builder.rmsNorm(`${layer}.input_layernorm`, hidden, normed, size);
    const attention = `${layer}.self_attn`;
    if ('latentAttention' in traits) addLatentAttention(builder, attention, config, traits.latentAttention);
    else addAttention(builder, attention, config, traits, config.slidingWindows[index]);
    builder.add({ kind: 'add', left: hidden, right: 'update', output: hidden });
    builder.rmsNorm(`${layer}.post_attention_layernorm`, hidden, normed, size);
    addFeedForward(builder, layer, hiddenSize, traits.feedForward(index));
    builder.add({ kind: 'add', left: hidden, right: 'update', output: hidden });
  }
  builder.rmsNorm('model.norm', hidden, normed, size);
  const head = builder.module({
    kind: 'linear',
    name: 'lm_head',
    outFeatures: vocabSize,
    inFeatures: hiddenSize,
    hasBias: false,
    role: 'head',
    ...(config.tieWordEmbeddings ? { tiedTo: embedding } : {}),
  });
  builder.add({ kind: 'logits', module: head, input: normed });
  return builder.finish(config);
}

/** Makes `update` from `normed`. */
function addAttention(
  builder: ProgramBuilder,
  attention: string,
  { hiddenSize, numHeads, numKvHeads, headSize, rope, epsilon }: DecoderConfig,
  { qkvBias: hasBias, outputBias, headNorms }: GroupedAttention,
  slidingWindow: number | undefined,
): void {
  const queryWidth = numHeads * headSize;
  const keyWidth = numKvHeads * headSize;
  builder.project('normed', hiddenSize, [
    { module: `${attention}.q_proj`, output: 'query', outFeatures: queryWidth, hasBias },
    { module: `${attention}.k_proj`, output: 'key', outFeatures: keyWidth, hasBias },
    { module: `${attention}.v_proj`, output: 'value', outFeatures: keyWidth, hasBias },
  ]);
  if (headNorms) {
    builder.rmsNorm(`${attention}.q_norm`, 'query', 'query', { size: headSize, epsilon });
    builder.rmsNorm(`${attention}.k_norm`, 'key', 'key', { size: headSize, epsilon });
  }
  builder.add({ kind: 'rope', values: ['query', 'key'], headSize, ...rope });
  builder.add({
    kind: 'attention',
    cache: builder.module({ kind: 'kvCache', name: attention, numKvHeads, headSize }),
    query: 'query',
    key: 'key',
    value: 'value',
    output: builder.value('attended', queryWidth),
    numHeads,
    numKvHeads,
    headSize,
    scale: 1 / Math.sqrt(headSize),
    ...(slidingWindow === undefined ? {} : { slidingWindow }),
  });
  builder.project('attended', queryWidth, [
    { module: `${attention}.o_proj`, output: 'update', outFeatures: hiddenSize, hasBias: outputBias },
  ]);
}
