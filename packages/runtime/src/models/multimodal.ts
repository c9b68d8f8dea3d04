import { isJsonObject, type JsonObject, type ModelProgram, type TensorRef } from '@lowbit/core';
import type { ModelDefinition } from './model-definition.ts';

/** Models that see and read, and the type of their text part where `text_config` names none. */
const textTypes: Readonly<Record<string, string>> = {
  llava: 'llama',
  llava_next: 'llama',
  llava_onevision: 'qwen2',
  mistral3: 'mistral',
  qwen2_vl: 'qwen2_vl_text',
  qwen2_5_vl: 'qwen2_5_vl_text',
  qwen3_vl: 'qwen3_vl_text',
};

/**
 * What a `text_config` leaves out: transformers before version 5 wrote only what differs from the class.
 * Source: the defaults of its LlamaConfig, MistralConfig and Qwen2Config.
 */
const classDefaults: Readonly<Record<string, JsonObject>> = {
  llama: { ...sizes(32_000, 4096, 11_008, 32), max_position_embeddings: 2048 },
  mistral: { ...sizes(32_000, 4096, 14_336, 32), num_key_value_heads: 8, max_position_embeddings: 131_072 },
  qwen2: { ...sizes(151_936, 4096, 22_016, 32), num_key_value_heads: 32, max_position_embeddings: 32_768 },
};

/** Where the text part's decoder and head stand, in the order in which the spellings are tried. */
const spellings = [
  { decoder: 'language_model.model.', head: 'language_model.lm_head' },
  { decoder: 'model.language_model.', head: 'lm_head' },
  { decoder: 'model.', head: 'lm_head' },
] as const;

const imagePart = /^(?:model\.)?(?:visual|vision_tower|multi_modal_projector|image_newline)(?:\.|$)/;

/**
 * Runs the text part, as the architecture that it is by itself. Qwen's rotary embedding counts time, height and width; of
 * text all three are the position, and it is the ordinary one.
 */
export function multimodal(findText: (config: JsonObject) => ModelDefinition): ModelDefinition {
  return {
    modelTypes: Object.keys(textTypes),
    about: 'models that see: their text part runs, the rest is left aside and listed',
    program({ config, tensors }) {
      const modelType = String(config.model_type);
      const { decoder, head } =
        spellings.find((spelling) => holds(tensors, `${spelling.decoder}embed_tokens.`)) ?? spellings[0];
      const text = textConfig(config, modelType, holds(tensors, `${head}.`));
      const plainNames = new Map([...tensors].map(([name, ref]) => [name.replace(startsWith(decoder), 'model.'), ref]));
      const program = findText(text).program({ config: text, tensors: plainNames });
      return renameModules({ ...program, modelType }, (name) =>
        name === 'lm_head' ? head : name.replace(startsWith('model.'), decoder),
      );
    },
    unused({ model_type: modelType }) {
      const reason = `the part of ${modelType} that sees: only its text part runs`;
      return [{ reason, matches: (name) => imagePart.test(name) }];
    },
  };
}

/**
 * `text_config`; older files of Qwen2-VL have its fields beside those of the whole. Whether the head is tied, the whole and
 * its part state independently and not always truly, so a head that is in the file counts.
 */
function textConfig(config: JsonObject, modelType: string, hasHead: boolean): JsonObject {
  const part = isJsonObject(config.text_config) ? config.text_config : config;
  const type = part !== config && typeof part.model_type === 'string' ? part.model_type : textTypes[modelType]!;
  const stated = [config.tie_word_embeddings, part.tie_word_embeddings];
  return {
    ...classDefaults[type],
    ...part,
    rope_scaling: ordinaryRope(part.rope_scaling),
    tie_word_embeddings: !hasHead && (stated.includes(true) || !stated.includes(false)),
    model_type: type,
  };
}

function ordinaryRope(scaling: unknown): JsonObject | null {
  if (!isJsonObject(scaling)) return null;
  return scaling.type === 'mrope' || scaling.rope_type === 'mrope' ? null : scaling;
}

function sizes(vocab: number, hidden: number, intermediate: number, layersAndHeads: number): JsonObject {
  return {
    vocab_size: vocab,
    hidden_size: hidden,
    intermediate_size: intermediate,
    num_hidden_layers: layersAndHeads,
    num_attention_heads: layersAndHeads,
  };
}

function holds(tensors: ReadonlyMap<string, TensorRef>, prefix: string): boolean {
  return [...tensors.keys()].some((name) => name.startsWith(prefix));
}

function startsWith(prefix: string): RegExp {
  return new RegExp(`^${prefix.replaceAll('.', '\\.')}`);
}

/** Modules are named in the list of modules and wherever an operation uses them. */
function renameModules(program: ModelProgram, rename: (name: string) => string): ModelProgram {
  const names = new Set(program.modules.map(({ name }) => name));
  const renamed = (value: unknown): unknown => {
    if (typeof value === 'string') return names.has(value) ? rename(value) : value;
    if (Array.isArray(value)) return value.map(renamed);
    if (!isJsonObject(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, renamed(one)]));
  };
  const { modules, operations } = program;
  return {
    ...program,
    modules: renamed(modules) as ModelProgram['modules'],
    operations: renamed(operations) as ModelProgram['operations'],
  };
}
