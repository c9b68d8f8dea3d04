import {
  type CheckpointMetadata,
  expertsAsLinears,
  findPattern,
  type LinearScheme,
  type LinearSpec,
  type QuantizationConfig,
  type SchemeAnswer,
  surprises,
  TensorError,
  type TensorRef,
} from '@lowbit/core';
import { type AwqSettings, readSettings } from './awq-settings.ts';
import { awqLinear } from './schemes/awq-linear.ts';

/**
 * The settings of an AWQ checkpoint. Which modules are quantized is read off the tensors: published skip lists are
 * often wrong, the files are what they are. Where list and file disagree there is a warning.
 * @throws ConfigError, RefusedError as `readSettings`
 */
export function parseAwqConfig(checkpoint: CheckpointMetadata): QuantizationConfig {
  const settings = readSettings(checkpoint);
  const { format, bits, groupSize, zeroPoint, modulesToNotConvert, warnings } = settings;
  const scheme = awqLinear(settings);
  const linearScheme = (module: LinearSpec) => chooseLinear(module, settings, scheme, checkpoint.tensors);
  return {
    method: 'awq',
    settings: {
      format,
      bits,
      groupSize,
      zeroPoint,
      modulesToNotConvert: modulesToNotConvert.length > 0 ? modulesToNotConvert.join(', ') : null,
    },
    warnings,
    aliases: ['awq_marlin', 'marlin'],
    linearScheme,
    moeScheme: (block) => expertsAsLinears(block, linearScheme),
    embeddingScheme: () => ({ kind: 'unquantized', rule: 'AWQ quantizes linears only' }),
    kvCacheScheme: () => ({ kind: 'unquantized', rule: 'AWQ does not quantize the KV cache' }),
  };
}

function chooseLinear(
  module: LinearSpec,
  settings: AwqSettings,
  scheme: LinearScheme,
  tensors: ReadonlyMap<string, TensorRef>,
): SchemeAnswer<LinearScheme> {
  const { name, role, tiedTo } = module;
  const quantized = tensors.has(`${name}.qweight`);
  if (tiedTo !== undefined && !quantized) return { kind: 'unquantized', rule: `tied to ${tiedTo}` };
  if (quantized === tensors.has(`${name}.weight`)) throw neitherOrBoth(name, quantized);
  const listed = listedAs(module, settings);
  const warnings = disagreements(module, settings, quantized, listed);
  if (quantized) return { kind: 'scheme', scheme, warnings };
  const rule =
    listed?.text ?? (role === 'projection' ? `the file holds ${name}.weight` : `AWQ leaves a ${role} as it is`);
  return { kind: 'unquantized', rule, warnings };
}

/** The entry of the skip list that covers a module. The format's own rule: a substring of the full name. */
function listedAs({ name }: LinearSpec, { modulesToNotConvert }: AwqSettings) {
  const patterns = modulesToNotConvert.map((text) => ({ kind: 'substring', text }) as const);
  const pattern = findPattern(patterns, name);
  return (
    pattern && { text: `modules_to_not_convert: ${JSON.stringify(pattern.text)}`, surprising: surprises(pattern, name) }
  );
}

function disagreements(
  { name, role }: LinearSpec,
  { quantizedHead, places }: AwqSettings,
  quantized: boolean,
  listed: { readonly text: string; readonly surprising: boolean } | undefined,
): readonly string[] {
  const warnings: string[] = [];
  const place = `${places.modulesToNotConvert?.file}: `;
  const cuts = listed?.surprising ? ', by cutting through a segment of its name' : '';
  if (listed && quantized) {
    warnings.push(
      `${place}${listed.text} covers ${name}${cuts}, but the file holds ${name}.qweight; it is read as quantized`,
    );
  } else if (listed?.surprising) {
    warnings.push(`${place}${listed.text} covers ${name}${cuts}`);
  } else if (!listed && !quantized && role === 'projection') {
    warnings.push(
      `${name} is not in modules_to_not_convert, but the file holds ${name}.weight; it is read as unquantized`,
    );
  }
  if (role === 'head' && quantizedHead !== undefined && quantizedHead !== quantized) {
    const suffix = quantized ? 'qweight' : 'weight';
    warnings.push(`lm_head is ${quantizedHead}, but the file holds ${name}.${suffix}; the file counts`);
  }
  return warnings;
}

function neitherOrBoth(name: string, both: boolean): TensorError {
  const expected = `either ${name}.qweight (quantized) or ${name}.weight (unquantized)`;
  return both
    ? new TensorError({ code: 'TENSOR_UNUSED', tensor: `${name}.weight`, expected, actual: 'both' })
    : new TensorError({ code: 'TENSOR_MISSING', tensor: `${name}.qweight`, expected, actual: 'neither' });
}
