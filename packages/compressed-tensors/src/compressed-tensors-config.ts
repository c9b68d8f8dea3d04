import type {
  CheckpointMetadata,
  EmbeddingScheme,
  EmbeddingSpec,
  LinearScheme,
  LinearSpec,
  MoeSpec,
  QuantizationConfig,
  Refusal,
  SchemeAnswer,
  TensorRef,
} from '@lowbit/core';
import { aliasesOf } from './aliases.ts';
import { chooseGroup } from './choose-group.ts';
import { type CompressedTensorsSettings, readSettings } from './compressed-tensors-settings.ts';
import { chooseKvCache, kvCacheScales } from './kv-cache-scheme.ts';
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
    unused: [...kvCacheScales(settings), ...strayTensors(settings)],
    linearScheme: (module) => chooseLinear(module, settings, tensors),
    moeScheme: (module) => ({ kind: 'refused', refusal: refuseMoe(module, tensors) }),
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

function refuseMoe({ name, numExperts, projections }: MoeSpec, tensors: ReadonlyMap<string, TensorRef>): Refusal {
  const first = `${name}.0.${projections.gate}`;
  const held = [`${first}.weight_packed`, `${first}.weight`].find((tensor) => tensors.has(tensor));
  return {
    by: 'compressed-tensors',
    code: 'MOE',
    message: `${name}: compressed-tensors expert blocks are not supported yet; the checkpoint has ${numExperts} experts here (${held ?? `no ${first}.weight`})`,
    hint: 'use a dense model',
  };
}
