import type { JsonObject, ModelProgram } from '@lowbit/core';

/** One architecture: reads `config.json`, writes the model as a program. */
export interface ModelDefinition {
  /** `model_type` values in `config.json` that it answers to. */
  readonly modelTypes: readonly string[];
  /** @throws ConfigError, RefusedError */
  program(config: JsonObject): ModelProgram;
}
