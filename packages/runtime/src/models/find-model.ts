import { ConfigError, type JsonObject, RefusedError } from '@lowbit/core';
import { deepseekV2, deepseekV3 } from './deepseek.ts';
import { llama } from './llama.ts';
import { mistral } from './mistral.ts';
import { mixtral } from './mixtral.ts';
import type { ModelDefinition } from './model-definition.ts';
import { multimodal } from './multimodal.ts';
import { qwen2 } from './qwen2.ts';
import { qwen2Moe } from './qwen2-moe.ts';
import { qwen3 } from './qwen3.ts';
import { qwen3Moe } from './qwen3-moe.ts';

/** Every architecture that can run. A new one adds its file and its line here. */
export const modelDefinitions: readonly ModelDefinition[] = [
  deepseekV2,
  deepseekV3,
  llama,
  mistral,
  mixtral,
  qwen2,
  qwen2Moe,
  qwen3,
  qwen3Moe,
  multimodal(findModel),
];

/**
 * The definition for a checkpoint's `model_type`.
 * @throws ConfigError where `config.json` names none; RefusedError listing what is supported
 */
export function findModel(config: JsonObject): ModelDefinition {
  const type = config.model_type;
  if (typeof type !== 'string') {
    throw new ConfigError({
      file: 'config.json',
      field: 'model_type',
      expected: 'the name of an architecture',
      actual: type,
    });
  }
  const definition = modelDefinitions.find(({ modelTypes }) => modelTypes.includes(type));
  if (definition) return definition;
  const supported = modelDefinitions.flatMap(({ modelTypes }) => modelTypes).join(', ');
  throw new RefusedError({
    code: 'MODEL_TYPE',
    message: `config.json: model_type ${JSON.stringify(type)} is not supported`,
    refusals: [{ by: 'runtime', code: 'MODEL_TYPE', message: `architectures that run: ${supported}` }],
  });
}
