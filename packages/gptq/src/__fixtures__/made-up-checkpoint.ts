import {
  type CheckpointMetadata,
  createTensorLedger,
  type DType,
  type JsonObject,
  type LinearDescription,
  type LinearSpec,
  type TensorRef,
  type UnusedRule,
} from '@lowbit/core';
import { parseGptqConfig } from '../gptq-config.ts';

export type Shapes = Readonly<Record<string, readonly [dtype: DType, shape: readonly number[]]>>;

/** The usual settings, in config.json. */
export const usual = { quant_method: 'gptq', bits: 4, group_size: 4, desc_act: false, sym: true };

/** One 4-bit module `a` of 8 x 8 in groups of 4. */
export const tensorsOfA: Shapes = {
  'a.qweight': ['I32', [1, 8]],
  'a.qzeros': ['I32', [2, 1]],
  'a.scales': ['F16', [2, 8]],
  'a.g_idx': ['I32', [8]],
};

export function linear(name: string, more: Partial<LinearSpec> = {}): LinearSpec {
  return { kind: 'linear', name, outFeatures: 8, inFeatures: 8, hasBias: false, role: 'projection', ...more };
}

export function checkpointOf(
  settings: JsonObject | undefined,
  shapes: Shapes = {},
  sideFiles: Readonly<Record<string, JsonObject>> = {},
): CheckpointMetadata {
  const refs = Object.entries(shapes).map(([name, [dtype, shape]]): [string, TensorRef] => [
    name,
    { name, dtype, shape, file: 'model.safetensors', start: 0, end: 0 },
  ]);
  return {
    config: settings ? { quantization_config: settings } : {},
    sideFiles: new Map(Object.entries(sideFiles)),
    tensors: new Map(refs),
  };
}

export function describeModule(...all: Parameters<typeof closeBooks>): LinearDescription {
  return closeBooks(...all).description;
}

/** Parses, chooses, describes one module, and says what nobody uses. */
export function closeBooks(
  settings: JsonObject | undefined,
  shapes: Shapes = tensorsOfA,
  spec: LinearSpec = linear('a'),
): { readonly description: LinearDescription; readonly unused: ReadonlyMap<string, UnusedRule> } {
  const checkpoint = checkpointOf(settings, shapes);
  const config = parseGptqConfig(checkpoint);
  const answer = config.linearScheme(spec);
  if (answer.kind !== 'scheme') throw new Error(`${spec.name} is ${answer.kind}`);
  const ledger = createTensorLedger(checkpoint.tensors);
  const description = answer.scheme.describe(spec, ledger);
  return { description, unused: ledger.settle(config.unused ?? []) };
}
