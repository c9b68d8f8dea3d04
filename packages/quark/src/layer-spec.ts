import { ConfigError, isJsonObject } from '@lowbit/core';
import { type JsonPlace, placeOf, unknownFields } from './json-place.ts';
import { readTensorSpec, type TensorSpec } from './tensor-spec.ts';

/** How the tensors of a layer are quantized: a `QLayerConfig`. Each a list of stages, empty where nothing is quantized. */
export interface LayerSpec {
  /** Where it stands, for messages and as the rule that `explain` prints. */
  readonly place: string;
  readonly weight: readonly TensorSpec[];
  readonly input: readonly TensorSpec[];
  readonly output: readonly TensorSpec[];
  readonly bias: readonly TensorSpec[];
}

const parts = { weight: 'weight', input: 'input_tensors', output: 'output_tensors', bias: 'bias' } as const;

/** `target_device`: where the quantizing program ran. */
const known: ReadonlySet<string> = new Set([...Object.values(parts), 'target_device']);

/** @throws ConfigError as `readTensorSpec` */
export function readLayerSpec(at: JsonPlace, warnings: string[]): LayerSpec {
  warnings.push(...unknownFields(at, known));
  const stages = (part: keyof typeof parts) => readStages(at, parts[part], warnings);
  return {
    place: at.field,
    weight: stages('weight'),
    input: stages('input'),
    output: stages('output'),
    bias: stages('bias'),
  };
}

function readStages(at: JsonPlace, key: string, warnings: string[]): readonly TensorSpec[] {
  const raw = at.value[key] ?? [];
  const list: readonly unknown[] = Array.isArray(raw) ? raw : [raw];
  return list.map((value, index) => {
    const place = placeOf(at, Array.isArray(raw) ? `${key}[${index}]` : key);
    if (!isJsonObject(value)) {
      throw new ConfigError({ ...place, expected: 'a tensor specification, a list of them, or null', actual: value });
    }
    return readTensorSpec({ ...place, value }, warnings);
  });
}
