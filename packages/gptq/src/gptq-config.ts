import {
  type CheckpointMetadata,
  expertsAsLinears,
  type LinearScheme,
  type LinearSpec,
  matchName,
  type QuantizationConfig,
  type Refusal,
  type SchemeAnswer,
  TensorError,
  type TensorRef,
  type UnusedRule,
} from '@lowbit/core';
import { type GptqSettings, readSettings } from './gptq-settings.ts';
import { findRule, formatRule, type ModuleRule } from './module-rules.ts';
import { gptqLinear } from './schemes/gptq-linear.ts';
import { servingNames } from './serving-names.ts';
import { usesActOrder } from './weight-settings.ts';

type Tensors = ReadonlyMap<string, TensorRef>;

/**
 * The settings of a GPTQ checkpoint. Which modules are quantized is read off the tensors; where rules and files disagree
 * there is a warning.
 * @throws ConfigError, RefusedError as `readSettings`
 */
export function parseGptqConfig({ tensors, ...checkpoint }: CheckpointMetadata): QuantizationConfig {
  const settings = readSettings({ tensors, ...checkpoint });
  const { format, weights, rules, quantizedHead, warnings } = settings;
  const linearScheme = (module: LinearSpec) => chooseLinear(module, settings, tensors);
  return {
    method: 'gptq',
    settings: {
      format,
      bits: weights.bits.value,
      groupSize: weights.groupSize.value,
      symmetric: weights.symmetric ?? null,
      actOrder: usesActOrder(weights),
      quantizedHead: quantizedHead ?? false,
      rules: rules.length > 0 ? rules.map(formatRule).join('; ') : null,
    },
    warnings,
    aliases: servingNames(settings),
    unused: [zeroBiases],
    linearScheme,
    moeScheme: (block) => expertsAsLinears(block, linearScheme),
    embeddingScheme: ({ name }) =>
      tensors.has(`${name}.qweight`)
        ? { kind: 'refused', refusal: refuseEmbedding(name) }
        : { kind: 'unquantized', rule: `the file holds ${name}.weight` },
    kvCacheScheme: () => ({ kind: 'unquantized', rule: 'GPTQ does not quantize the KV cache' }),
  };
}

/** Old AutoGPTQ wrote a bias of zeros for every quantized linear, also where the architecture has none. */
const zeroBiases: UnusedRule = {
  reason: 'a bias of zeros that the architecture does not have (old AutoGPTQ)',
  onlyZeros: true,
  matches(name, claims) {
    const module = name.replace(/\.bias$/, '');
    const [, outFeatures] = claims.peek(`${module}.qweight`)?.shape ?? [];
    const bias = claims.peek(name);
    return (
      module !== name && /^B?F/.test(bias?.dtype ?? '') && bias?.shape.length === 1 && bias.shape[0] === outFeatures
    );
  },
};

function chooseLinear(module: LinearSpec, settings: GptqSettings, tensors: Tensors): SchemeAnswer<LinearScheme> {
  const { name, role, tiedTo } = module;
  const quantized = tensors.has(`${name}.qweight`);
  if (!quantized && tiedTo !== undefined) return { kind: 'unquantized', rule: `tied to ${tiedTo}` };
  if (!quantized && tensors.has(`${name}.B`)) return { kind: 'refused', refusal: refuseMarlin(name) };
  if (quantized === tensors.has(`${name}.weight`)) throw neitherOrBoth(name, quantized);
  const rule = findRule(settings.rules, name);
  const warnings = disagreements(module, settings, quantized, rule);
  if (!quantized) {
    const fallback = role === 'projection' ? `the file holds ${name}.weight` : `GPTQ leaves a ${role} as it is`;
    return { kind: 'unquantized', rule: leftOut(module, settings, rule) ?? fallback, warnings };
  }
  const weights = { ...settings.weights, ...rule?.overrides };
  return { kind: 'scheme', scheme: gptqLinear(weights, settings), warnings };
}

/** The setting that leaves a module out. */
function leftOut({ name }: LinearSpec, { modulesInBlock }: GptqSettings, rule: ModuleRule | undefined) {
  if (rule && !rule.overrides) return rule.text;
  const listed = modulesInBlock?.some((text) => matchName({ kind: 'segments', text }, name)) ?? true;
  return listed ? undefined : 'not in modules_in_block_to_quantize';
}

function disagreements(
  module: LinearSpec,
  settings: GptqSettings,
  quantized: boolean,
  rule: ModuleRule | undefined,
): readonly string[] {
  const { name, role } = module;
  if (role === 'head') {
    const { quantizedHead } = settings;
    if (quantizedHead === undefined || quantizedHead === quantized) return [];
    const suffix = quantized ? 'qweight' : 'weight';
    return [`lm_head is ${quantizedHead}, but the file holds ${name}.${suffix}; the file counts`];
  }
  const reason = leftOut(module, settings, rule);
  if (quantized && reason !== undefined) {
    return [`${reason} leaves ${name} out, but the file holds ${name}.qweight; it is read as quantized`];
  }
  if (!quantized && reason === undefined && role === 'projection') {
    return [`no rule leaves ${name} out, but the file holds ${name}.weight; it is read as unquantized`];
  }
  return [];
}

function neitherOrBoth(name: string, both: boolean): TensorError {
  const expected = `either ${name}.qweight (quantized) or ${name}.weight (unquantized)`;
  return both
    ? new TensorError({ code: 'TENSOR_UNUSED', tensor: `${name}.weight`, expected, actual: 'both' })
    : new TensorError({ code: 'TENSOR_MISSING', tensor: `${name}.qweight`, expected, actual: 'neither' });
}

function refuseMarlin(name: string): Refusal {
  return {
    by: 'gptq',
    code: 'FORMAT',
    message: `${name}: the file holds ${name}.B: weights already permuted for the Marlin GPU kernel`,
    hint: 'use the gptq export of the same model',
  };
}

function refuseEmbedding(name: string): Refusal {
  return {
    by: 'gptq',
    code: 'EMBEDDING',
    message: `${name}: quantized embeddings are not supported; the file holds ${name}.qweight`,
  };
}
