import type { CheckpointMetadata, JsonObject, ModelProgram, UnusedRule } from '@lowbit/core';

/**
 * One architecture: reads `config.json`, writes the model as a program. The names of the tensors are at hand too, for
 * architectures whose modules have had several names.
 */
export interface ModelDefinition {
  /** `model_type` values in `config.json` that it answers to. */
  readonly modelTypes: readonly string[];
  /** What sets it apart, in a line of docs/models.md. */
  readonly about: string;
  /** @throws ConfigError, RefusedError */
  program(checkpoint: Pick<CheckpointMetadata, 'config' | 'tensors'>): ModelProgram;
  /** Tensors of the architecture that its program does without. */
  unused?(config: JsonObject): readonly UnusedRule[];
}
