import {
  type CheckpointMetadata,
  deepFreeze,
  describeUnquantized,
  type EmbeddingScheme,
  type EmbeddingSpec,
  expertsAsLinears,
  type KvCacheScheme,
  type KvCacheSpec,
  type LinearScheme,
  type LinearSpec,
  type QuantizationConfig,
  type SchemeAnswer,
} from '@lowbit/core';
import { findDescription } from './description-file.ts';
import { type ModelSlimSettings, readSettings } from './modelslim-settings.ts';
import { requireListed, requireType, typeOf } from './module-type.ts';
import { refuseTransforms } from './online-transforms.ts';
import { floatTypes, refusedType } from './quant-types.ts';
import { c8, hasCacheScales } from './schemes/c8.ts';
import {
  embeddingScheme,
  linearScheme,
  quantizedTypes,
  type SchemeContext,
  warningOf,
} from './schemes/linear-schemes.ts';
import { refuseSplitNorms, unusedTensors } from './unused-tensors.ts';

/**
 * The description of a ModelSlim checkpoint: every tensor has its type there, and modules go by the type of their
 * weight. What it says of the model as a whole is a summary.
 * @throws ConfigError as `readSettings`; RefusedError for tensors that change what a module computes at run time
 */
export function parseModelSlimConfig(checkpoint: CheckpointMetadata): QuantizationConfig {
  const settings = readSettings(checkpoint);
  refuseTransforms(checkpoint.tensors, settings.file, findDescription(checkpoint).value);
  refuseSplitNorms(checkpoint.tensors);
  const context: SchemeContext = {
    groupSize: trustedGroupSize(settings),
    requireListed: (module, tensors) => requireListed(module, settings, tensors),
  };
  const chooseLinear = (module: LinearSpec) => linearAnswer(module, settings, context, checkpoint);
  return {
    method: 'modelslim',
    settings: canonical(settings),
    warnings: settings.warnings,
    aliases: ['ascend'],
    unused: unusedTensors,
    linearScheme: chooseLinear,
    moeScheme: (block) => expertsAsLinears(block, chooseLinear),
    embeddingScheme: (module) => embeddingAnswer(module, settings, context),
    kvCacheScheme: (module) => kvCacheAnswer(module, settings, checkpoint),
  };
}

/** MX modules set the one `group_size` of a file to 32 whatever the groups of others are. */
function trustedGroupSize({ modules, groupSize }: ModelSlimSettings): number {
  const mixed = [...modules.values()].some((types) => /MXFP/.test(types.get('weight') ?? ''));
  return mixed ? 0 : groupSize;
}

function canonical({ file, modules, modelType, version, groupSize, kvCacheType }: ModelSlimSettings) {
  const counts = new Map<string, number>();
  for (const type of [...modules.values()].flatMap((types) => types.get('weight') ?? [])) {
    counts.set(type, (counts.get(type) ?? 0) + 1);
  }
  const list = [...counts].sort(([one], [other]) => (one < other ? -1 : 1)).map(([type, count]) => `${type}: ${count}`);
  return {
    file,
    modelType,
    version,
    groupSize,
    weights: list.join(', '),
    kvCache: kvCacheType,
  };
}

function linearAnswer(
  { name, hasBias, tiedTo }: LinearSpec,
  settings: ModelSlimSettings,
  context: SchemeContext,
  { tensors }: CheckpointMetadata,
): SchemeAnswer<LinearScheme> {
  const ignored = settings.ignores(name);
  if (tiedTo !== undefined && (ignored || isFloat(typeOf(name, settings)) || !tensors.has(`${name}.weight`))) {
    return { kind: 'unquantized', rule: `tied to ${tiedTo}` };
  }
  if (!ignored) {
    const type = requireType(name, settings);
    if (!isFloat(type)) return answerOf(name, type, (known) => linearScheme(known, context));
  }
  const rule = ignored ? `${settings.file}: ignore` : `${settings.file}: ${name}.weight is ${typeOf(name, settings)}`;
  return !hasBias && tensors.has(`${name}.bias`)
    ? { kind: 'scheme', scheme: floatWithBias }
    : { kind: 'unquantized', rule };
}

/** No entry counts as floats only where floats are not read either. */
function isFloat(type: string | undefined): boolean {
  return type === undefined || floatTypes.includes(type);
}

/** Smoothing of outliers gives a bias to linears of architectures that have none. */
const floatWithBias: LinearScheme = {
  name: 'FLOAT',
  describe: (module, tensors) => deepFreeze(describeUnquantized({ ...module, hasBias: true }, tensors)),
};

function embeddingAnswer(
  { name }: EmbeddingSpec,
  settings: ModelSlimSettings,
  context: SchemeContext,
): SchemeAnswer<EmbeddingScheme> {
  const type = typeOf(name, settings);
  if (type === undefined) return { kind: 'unquantized', rule: `${settings.file} has no entry for it` };
  if (isFloat(type)) return { kind: 'unquantized', rule: `${settings.file}: ${name}.weight is ${type}` };
  return answerOf(name, type, (known) => embeddingScheme(known, context));
}

function answerOf<Scheme>(name: string, type: string, schemeOf: (type: string) => Scheme): SchemeAnswer<Scheme> {
  if (quantizedTypes.includes(type)) {
    const warning = warningOf(type);
    return { kind: 'scheme', scheme: schemeOf(type), warnings: warning === undefined ? [] : [warning] };
  }
  const { code, reason } = refusedType(type) ?? { code: 'TYPE', reason: 'this is no type of a weight' };
  return { kind: 'refused', refusal: { by: 'modelslim', code, message: `${name} is ${type}: ${reason}` } };
}

function kvCacheAnswer(
  { name }: KvCacheSpec,
  { file, quantizedAttention, kvCacheType }: ModelSlimSettings,
  { tensors }: CheckpointMetadata,
): SchemeAnswer<KvCacheScheme> {
  const warnings = quantizedAttention
    ? [`${file}: attention is computed unquantized, its scales are not applied yet`]
    : [];
  if (hasCacheScales(tensors, name)) return { kind: 'scheme', scheme: c8, warnings };
  if (kvCacheType !== null) {
    warnings.push(
      `${file}: the KV cache is ${kvCacheType}, but ${name} has no kv_cache_scale; its cache is unquantized`,
    );
  }
  return { kind: 'unquantized', rule: 'the checkpoint has no kv_cache_scale for it', warnings };
}
