import { fieldError } from './config-section.ts';
import type { QuantizationScheme } from './quantization-scheme.ts';
import type { NameEntry } from './targets.ts';

/** A target that means attention modules themselves, by their class or their usual names. */
export function namesAttention({ kind, text }: NameEntry): boolean {
  return kind === 'name' && (isAttentionClass(text) || /(^|\.)(self_)?(attn|attention)$/.test(text));
}

/**
 * Does the target mean this attention module? A regular expression must match it alone: neither the layer around it nor
 * the projections inside.
 */
export function targetsAttention({ kind, text, matches }: NameEntry, name: string): boolean {
  if (kind === 'name') return text === name || isAttentionClass(text);
  const around = name.slice(0, Math.max(0, name.lastIndexOf('.')));
  const inside = ['q_proj', 'k_proj', 'v_proj', 'o_proj'].map((projection) => `${name}.${projection}`);
  return matches(name) && ![around, ...inside].some(matches);
}

function isAttentionClass(text: string): boolean {
  return /^[^.]*Attention$/.test(text);
}

/**
 * Attention modules have no weight of their own: what is quantized is what goes in, queries, keys and values.
 * @throws ConfigError
 */
export function checkAttentionScheme({
  weights,
  inputActivations,
  section,
}: Pick<QuantizationScheme, 'weights' | 'inputActivations' | 'section'>): void {
  const why = 'the targets name attention modules, which have no weight';
  if (weights) throw fieldError(section, 'weights', `null: ${why}`);
  if (section.value.output_activations) throw fieldError(section, 'output_activations', `null: ${why}`);
  if (!inputActivations) throw fieldError(section, 'input_activations', `an object: ${why}`);
}
