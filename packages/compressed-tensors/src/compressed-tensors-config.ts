import {
  type CheckpointMetadata,
  type EmbeddingScheme,
  type EmbeddingSpec,
  expertsAsLinears,
  type LinearScheme,
  type LinearSpec,
  type MoeScheme,
  type MoeSpec,
  type QuantizationConfig,
  type SchemeAnswer,
  type TensorRef,
} from '@lowbit/core';
import { aliasesOf } from './aliases.ts';
import { chooseGroup } from './choose-group.ts';
import { type CompressedTensorsSettings, readSettings } from './compressed-tensors-settings.ts';
import { chooseKvCache, unusedKvTensors } from './kv-cache-scheme.ts';
import { schemeName } from './scheme-name.ts';
import { compressedEmbedding } from './schemes/embedding.ts';
import { refuseActivations } from './schemes/input-activations.ts';
import { compressedLinear } from './schemes/linear.ts';
import { embeddingClasses, linearClasses } from './targets.ts';
import { strayTensors } from './unused-tensors.ts';

/**
 * The settings of a compressed-tensors checkpoint.
 * @throws ConfigError, RefusedError as `readSettings`
 */
export function parseCompressedTensorsConfig(checkpoint: CheckpointMetadata): QuantizationConfig {
  const settings = readSettings(checkpoint);
  const { tensors } = checkpoint;
  return {
    method: 'compressed-tensors',
    settings: canonicalSettings(settings),
    warnings: settings.warnings,
    aliases: aliasesOf(settings),
    unused: [...unusedKvTensors(settings), ...strayTensors(settings)],
    linearScheme: (module) => chooseLinear(module, settings, tensors),
    moeScheme: (block) => chooseMoe(block, settings, tensors),
    embeddingScheme: (module) => chooseEmbedding(module, settings, tensors),
    kvCacheScheme: (module) => chooseKvCache(module, settings, tensors),
  };
}

function canonicalSettings(settings: CompressedTensorsSettings): QuantizationConfig['settings'] {
  const { format, versionText, status, schemes, ignore, kvCacheScheme } = settings;
  return {
    format: format ?? null,
    ...Object.fromEntries(
      schemes.map((group) => [group.name, `${schemeName(group)}: ${group.targets.map(({ text }) => text).join(', ')}`]),
    ),
    ignore: ignore.length > 0 ? ignore.map(({ text }) => text).join(', ') : null,
    kvCache: kvCacheScheme ? `${kvCacheScheme.type}${kvCacheScheme.numBits} per ${kvCacheScheme.strategy}` : null,
    status: status ?? null,
    version: versionText ?? null,
  };
}

function chooseLinear(
  module: LinearSpec,
  settings: CompressedTensorsSettings,
  tensors: ReadonlyMap<string, TensorRef>,
): SchemeAnswer<LinearScheme> {
  if (module.tiedTo !== undefined) return { kind: 'unquantized', rule: `tied to ${module.tiedTo}` };
  const answer = chooseGroup(module, linearClasses, settings, tensors);
  if (answer.kind !== 'scheme') return answer;
  const group = answer.scheme;
  const refusal = refuseActivations(group);
  if (refusal) return { kind: 'refused', refusal };
  return { ...answer, scheme: compressedLinear(group, settings.version) };
}

/** Experts are linears of their own; tensors of all experts at once have no compressed form. */
function chooseMoe(
  block: MoeSpec,
  settings: CompressedTensorsSettings,
  tensors: ReadonlyMap<string, TensorRef>,
): SchemeAnswer<MoeScheme> {
  const fused = `${block.name}.gate_up_proj`;
  if (tensors.has(fused)) return { kind: 'unquantized', rule: `the file holds ${fused}` };
  return expertsAsLinears(block, (module) => chooseLinear(module, settings, tensors));
}

function chooseEmbedding(
  { name, vocabSize, hiddenSize }: EmbeddingSpec,
  settings: CompressedTensorsSettings,
  tensors: ReadonlyMap<string, TensorRef>,
): SchemeAnswer<EmbeddingScheme> {
  const shape = { name, outFeatures: vocabSize, inFeatures: hiddenSize };
  const answer = chooseGroup(shape, embeddingClasses, settings, tensors);
  if (answer.kind !== 'scheme') return answer;
  const group = answer.scheme;
  if (!group.inputActivations) return { ...answer, scheme: compressedEmbedding(group, settings.version) };
  const message = `${group.section.path}.input_activations: the input of ${name} are token ids, which cannot be quantized`;
  return { kind: 'refused', refusal: { by: 'compressed-tensors', code: 'ACTIVATIONS', message } };
}
