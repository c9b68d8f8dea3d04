import type { Context } from 'hono';
import type { ServerContext } from '../server-context.ts';

/** `GET /model_info`, `/get_model_info`: what the model is, and how it is quantized and run. */
export function modelInfo(c: Context, { model, modelName }: ServerContext): Response {
  const { info } = model;
  return c.json({
    model_path: info.path,
    tokenizer_path: model.tokenizer ? info.path : null,
    served_model_name: modelName,
    is_generation: true,
    preferred_sampling_params: null,
    weight_version: 'default',
    has_image_understanding: false,
    has_audio_understanding: false,
    model_type: info.modelType,
    architectures: [info.architecture],
    context_length: info.contextLength,
    vocab_size: info.vocabSize,
    has_chat_template: info.hasChatTemplate,
    quantization: {
      method: info.method,
      schemes: info.schemes,
      backend: info.backend,
      device: info.device,
      numerics: info.numerics,
    },
    memory: { weights: info.memory.weights, kv_cache: info.memory.kvCache },
    warnings: info.warnings,
  });
}

/** `GET /server_info`, `/get_server_info`: how the server was started and what it does now. */
export function serverInfo(c: Context, { model, modelName, serverInfo: more }: ServerContext): Response {
  const { running, waiting, kvCache } = model.status();
  return c.json({
    ...more,
    model_path: model.info.path,
    served_model_name: modelName,
    context_length: model.info.contextLength,
    max_total_num_tokens: kvCache.total,
    internal_states: [
      {
        num_running_reqs: running,
        num_waiting_reqs: waiting,
        num_used_tokens: kvCache.used,
        max_total_num_tokens: kvCache.total,
      },
    ],
  });
}
