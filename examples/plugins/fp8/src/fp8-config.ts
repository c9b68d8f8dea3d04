import {
  type CheckpointMetadata,
  expertsAsLinears,
  findPattern,
  type LinearScheme,
  type LinearSpec,
  type QuantizationConfig,
  type SchemeAnswer,
  type TensorRef,
} from '@lowbit/core';
import { fp8Linear } from './fp8-linear.ts';
import { type Fp8Settings, readSettings } from './fp8-settings.ts';

/** Parses the settings; the answers for each kind of module follow from them and from which tensors there are. */
export function parseFp8Config(checkpoint: CheckpointMetadata): QuantizationConfig {
  const settings = readSettings(checkpoint);
  const { blockSize, modulesToNotConvert, warnings } = settings;
  const scheme = fp8Linear(blockSize);
  const linearScheme = (module: LinearSpec) => chooseLinear(module, settings, scheme, checkpoint.tensors);
  return {
    method: 'fp8',
    settings: { blockSize: blockSize.join(' x '), modulesToNotConvert: modulesToNotConvert.join(', ') || null },
    warnings,
    linearScheme,
    moeScheme: (block) => expertsAsLinears(block, linearScheme),
    embeddingScheme: () => ({ kind: 'unquantized', rule: 'FP8 is for linears' }),
    kvCacheScheme: () => ({ kind: 'unquantized', rule: 'FP8 is for linears' }),
  };
}

/** A module with scales is quantized. The list says why others are not; routers and the head are not listed. */
function chooseLinear(
  { name, role, tiedTo }: LinearSpec,
  { modulesToNotConvert }: Fp8Settings,
  scheme: LinearScheme,
  tensors: ReadonlyMap<string, TensorRef>,
): SchemeAnswer<LinearScheme> {
  if (tiedTo !== undefined) return { kind: 'unquantized', rule: `tied to ${tiedTo}` };
  const patterns = modulesToNotConvert.map((text) => ({ kind: 'segments', text }) as const);
  const listed = findPattern(patterns, name);
  const rule = `modules_to_not_convert: ${JSON.stringify(listed?.text)}`;
  if (tensors.has(`${name}.weight_scale_inv`)) {
    const warning = `${rule} covers ${name}, but the file holds ${name}.weight_scale_inv; it is read as quantized`;
    return { kind: 'scheme', scheme, warnings: listed ? [warning] : [] };
  }
  if (listed) return { kind: 'unquantized', rule };
  // A projection in plain floats that is not listed: believe the file, and say so.
  const dtype = tensors.get(`${name}.weight`)?.dtype;
  if (role === 'projection' && dtype === 'F8_E4M3') return { kind: 'scheme', scheme };
  const warning = `${name} is not in modules_to_not_convert, but has no scales; it is read as unquantized`;
  return {
    kind: 'unquantized',
    rule: `the file holds no ${name}.weight_scale_inv`,
    warnings: role === 'projection' ? [warning] : [],
  };
}
