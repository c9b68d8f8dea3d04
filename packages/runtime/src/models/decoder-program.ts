import type { LinearSpec, ModelProgram, ModuleSpec, Operation } from '@lowbit/core';
import type { DecoderConfig } from './decoder-config.ts';

/** Where architectures of the Llama family differ. */
export interface DecoderTraits {
  /** Query, key and value projections have a bias. */
  readonly qkvBias: boolean;
  /** So has the output projection. */
  readonly outputBias: boolean;
  readonly mlpBias: boolean;
  /** Queries and keys are normalized per head, before RoPE. */
  readonly headNorms: boolean;
}

/**
 * The pre-norm decoder that Llama began: per layer, attention and a gated MLP, each with its norm before and its input
 * added after.
 */
export function decoderProgram(config: DecoderConfig, traits: DecoderTraits): ModelProgram {
  const { hiddenSize, numHeads, numKvHeads, headSize, intermediateSize, vocabSize } = config;
  const modules: ModuleSpec[] = [];
  const operations: Operation[] = [];
  const queryWidth = numHeads * headSize;
  const keyWidth = numKvHeads * headSize;

  const norm = (name: string, size: number) => {
    modules.push({ kind: 'norm', name, size });
    return name;
  };
  const linear = (name: string, outFeatures: number, inFeatures: number, hasBias: boolean) => {
    modules.push({ kind: 'linear', name, outFeatures, inFeatures, hasBias, role: 'projection' });
    return name;
  };
  const rmsNorm = (module: string, input: string, output: string, size: number) => {
    operations.push({ kind: 'rms-norm', module, input, output, epsilon: config.epsilon, size });
  };
  const project = (input: string, parts: readonly (readonly [module: string, output: string])[]) => {
    operations.push({ kind: 'linear', input, parts: parts.map(([module, output]) => ({ module, output })) });
  };

  const embedding = 'model.embed_tokens';
  modules.push({ kind: 'embedding', name: embedding, vocabSize, hiddenSize });
  operations.push({ kind: 'embedding', module: embedding, output: 'hidden' });

  for (let layer = 0; layer < config.numLayers; layer++) {
    const attention = `model.layers.${layer}.self_attn`;
    const mlp = `model.layers.${layer}.mlp`;

    rmsNorm(norm(`model.layers.${layer}.input_layernorm`, hiddenSize), 'hidden', 'normed', hiddenSize);
    project('normed', [
      [linear(`${attention}.q_proj`, queryWidth, hiddenSize, traits.qkvBias), 'query'],
      [linear(`${attention}.k_proj`, keyWidth, hiddenSize, traits.qkvBias), 'key'],
      [linear(`${attention}.v_proj`, keyWidth, hiddenSize, traits.qkvBias), 'value'],
    ]);
    if (traits.headNorms) {
      rmsNorm(norm(`${attention}.q_norm`, headSize), 'query', 'query', headSize);
      rmsNorm(norm(`${attention}.k_norm`, headSize), 'key', 'key', headSize);
    }
    operations.push({ kind: 'rope', values: ['query', 'key'], headSize, ...config.rope });
    modules.push({ kind: 'kvCache', name: attention, numKvHeads, headSize });
    const slidingWindow = config.slidingWindows[layer];
    operations.push({
      kind: 'attention',
      cache: attention,
      query: 'query',
      key: 'key',
      value: 'value',
      output: 'attended',
      numHeads,
      numKvHeads,
      headSize,
      scale: 1 / Math.sqrt(headSize),
      ...(slidingWindow === undefined ? {} : { slidingWindow }),
    });
    project('attended', [[linear(`${attention}.o_proj`, hiddenSize, queryWidth, traits.outputBias), 'update']]);
    operations.push({ kind: 'add', left: 'hidden', right: 'update', output: 'hidden' });

    rmsNorm(norm(`model.layers.${layer}.post_attention_layernorm`, hiddenSize), 'hidden', 'normed', hiddenSize);
    project('normed', [
      [linear(`${mlp}.gate_proj`, intermediateSize, hiddenSize, traits.mlpBias), 'gate'],
      [linear(`${mlp}.up_proj`, intermediateSize, hiddenSize, traits.mlpBias), 'up'],
    ]);
    operations.push({ kind: 'silu-mul', gate: 'gate', up: 'up', output: 'activated' });
    project('activated', [[linear(`${mlp}.down_proj`, hiddenSize, intermediateSize, traits.mlpBias), 'update']]);
    operations.push({ kind: 'add', left: 'hidden', right: 'update', output: 'hidden' });
  }

  rmsNorm(norm('model.norm', hiddenSize), 'hidden', 'normed', hiddenSize);
  const head: LinearSpec = {
    kind: 'linear',
    name: 'lm_head',
    outFeatures: vocabSize,
    inFeatures: hiddenSize,
    hasBias: false,
    role: 'head',
    ...(config.tieWordEmbeddings ? { tiedTo: embedding } : {}),
  };
  modules.push(head);
  operations.push({ kind: 'logits', module: head.name, input: 'normed' });

  return {
    modelType: config.modelType,
    vocabSize,
    contextLength: config.contextLength,
    values: {
      hidden: hiddenSize,
      normed: hiddenSize,
      query: queryWidth,
      key: keyWidth,
      value: keyWidth,
      attended: queryWidth,
      update: hiddenSize,
      gate: intermediateSize,
      up: intermediateSize,
      activated: intermediateSize,
    },
    modules,
    operations,
  };
}
