import { ConfigError, type JsonObject, RefusedError } from '@lowbit/core';
// A namespace: with the named export, bundles hold all of the library.
import * as z from 'zod';
import { type Rope, readRope } from './rope.ts';

/** What decoder-only transformers have in common, in one spelling. */
export interface DecoderConfig {
  readonly modelType: string;
  readonly vocabSize: number;
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly numLayers: number;
  readonly numHeads: number;
  readonly numKvHeads: number;
  readonly headSize: number;
  readonly epsilon: number;
  readonly contextLength: number;
  readonly tieWordEmbeddings: boolean;
  readonly rope: Rope;
  /** Sliding window of each layer in tokens; undefined: the layer sees everything. */
  readonly slidingWindows: readonly (number | undefined)[];
}

const count = z.int().positive();

/** The fields read here; `config.json` has many more that only concern training or other runtimes. */
const schema = z.looseObject({
  model_type: z.string(),
  vocab_size: count,
  hidden_size: count,
  intermediate_size: count,
  num_hidden_layers: count.max(10_000),
  num_attention_heads: count,
  num_key_value_heads: count.nullish(),
  head_dim: count.nullish(),
  rms_norm_eps: z.number().positive().default(1e-6),
  max_position_embeddings: count,
  hidden_act: z.string().default('silu'),
  tie_word_embeddings: z.boolean().default(false),
  // Qwen2-MoE writes 0 for none.
  sliding_window: z.int().nonnegative().nullish(),
  use_sliding_window: z.boolean().nullish(),
  max_window_layers: z.int().nonnegative().nullish(),
  layer_types: z.array(z.enum(['full_attention', 'sliding_attention'])).nullish(),
});

/**
 * Reads the common fields of `config.json`, in the older and the newer spelling.
 * @throws ConfigError naming the field; RefusedError for an activation other than SiLU or a rope variant that is not supported
 */
export function readDecoderConfig(config: JsonObject): DecoderConfig {
  const parsed = schema.safeParse(config);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const path = issue?.path ?? [];
    throw new ConfigError({
      file: 'config.json',
      field: path.join('.'),
      expected: issue?.message ?? 'a valid value',
      actual: path.reduce<unknown>((value, key) => (value as Record<PropertyKey, unknown> | undefined)?.[key], config),
    });
  }
  const fields = parsed.data;
  if (fields.hidden_act !== 'silu') {
    throw new RefusedError({
      message: `config.json: hidden_act ${JSON.stringify(fields.hidden_act)} is not supported`,
      refusals: [{ by: fields.model_type, code: 'ACTIVATION', message: 'its MLP is run with SiLU only' }],
    });
  }
  const numHeads = fields.num_attention_heads;
  const numKvHeads = fields.num_key_value_heads ?? numHeads;
  requireDivisible('num_attention_heads', numHeads, 'num_key_value_heads', numKvHeads);
  if (!fields.head_dim) requireDivisible('hidden_size', fields.hidden_size, 'num_attention_heads', numHeads);
  const headSize = fields.head_dim ?? fields.hidden_size / numHeads;
  return {
    modelType: fields.model_type,
    vocabSize: fields.vocab_size,
    hiddenSize: fields.hidden_size,
    intermediateSize: fields.intermediate_size,
    numLayers: fields.num_hidden_layers,
    numHeads,
    numKvHeads,
    headSize,
    epsilon: fields.rms_norm_eps,
    contextLength: fields.max_position_embeddings,
    tieWordEmbeddings: fields.tie_word_embeddings,
    rope: readRope(config, headSize),
    slidingWindows: readSlidingWindows(fields),
  };
}

/**
 * Newer files list `layer_types`. Older ones: `use_sliding_window` switches it (absent: on wherever a window is given),
 * and layers below `max_window_layers` see everything.
 */
function readSlidingWindows(fields: z.infer<typeof schema>): readonly (number | undefined)[] {
  const window = fields.sliding_window || undefined;
  const enabled = window !== undefined && fields.use_sliding_window !== false;
  return Array.from({ length: fields.num_hidden_layers }, (_, layer) => {
    if (!enabled) return undefined;
    if (fields.layer_types) return fields.layer_types[layer] === 'sliding_attention' ? window : undefined;
    return layer >= (fields.max_window_layers ?? 0) ? window : undefined;
  });
}

function requireDivisible(name: string, value: number, byName: string, by: number): void {
  if (value % by === 0) return;
  throw new ConfigError({
    file: 'config.json',
    field: name,
    expected: `a multiple of ${byName} (${by})`,
    actual: value,
  });
}
