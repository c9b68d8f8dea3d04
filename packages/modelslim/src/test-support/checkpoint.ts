import {
  type CheckpointMetadata,
  createTensorLedger,
  type DType,
  type JsonObject,
  type LinearDescription,
  type LinearSpec,
  type QuantizedWeight,
  type TensorRef,
} from '@lowbit/core';
import { dequantizeWeight } from '@lowbit/numerics';
import { parseModelSlimConfig } from '../modelslim-config.ts';

/** A tensor, the type that the description gives it (none: no entry) and, where a test reads it, its numbers. */
export interface TestTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly type?: string;
  readonly data?: ArrayBufferView;
}

export type TestTensors = Readonly<Record<string, TestTensor>>;

export function tensor(dtype: DType, shape: readonly number[], type?: string, data?: ArrayBufferView): TestTensor {
  return { dtype, shape, ...(type === undefined ? {} : { type }), ...(data ? { data } : {}) };
}

/** A checkpoint of these tensors, with an entry in the description for each that has a type. */
export function checkpointOf(tensors: TestTensors, fields: JsonObject = {}): CheckpointMetadata {
  const entries = Object.entries(tensors).flatMap(([name, { type }]) => (type === undefined ? [] : [[name, type]]));
  const description = { model_quant_type: 'FLOAT', ...Object.fromEntries(entries), ...fields };
  const refs = Object.entries(tensors).map(([name, { dtype, shape }]): [string, TensorRef] => [
    name,
    { name, dtype, shape, file: 'm.safetensors', start: 0, end: 0 },
  ]);
  return { config: {}, sideFiles: new Map([['quant_model_description.json', description]]), tensors: new Map(refs) };
}

export function linearSpec(name: string, outFeatures: number, inFeatures: number, hasBias = false): LinearSpec {
  return { kind: 'linear', name, outFeatures, inFeatures, hasBias, role: 'projection' };
}

/** What the scheme that a module gets says of it, the books closed. */
export function describeLinear(spec: LinearSpec, tensors: TestTensors, fields: JsonObject = {}): LinearDescription {
  const metadata = checkpointOf(tensors, fields);
  const config = parseModelSlimConfig(metadata);
  const answer = config.linearScheme(spec);
  if (answer.kind !== 'scheme') throw new Error(`${spec.name} is ${answer.kind}`);
  const ledger = createTensorLedger(metadata.tensors);
  const description = answer.scheme.describe(spec, ledger);
  ledger.settle(config.unused ?? []);
  return description;
}

export function dequantize(weight: QuantizedWeight, tensors: TestTensors): readonly number[] {
  return [
    ...dequantizeWeight(weight, ({ name }) => {
      const { data } = tensors[name] ?? {};
      if (!data) throw new Error(`no numbers for ${name}`);
      return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    }),
  ];
}
