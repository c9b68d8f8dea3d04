import { ConfigError, isJsonObject, type JsonObject } from '@lowbit/core';
import { isAttentionKey } from './tensor-types.ts';

interface FieldRule {
  readonly expected: string;
  accepts(value: unknown): boolean;
}

const attentionPart = '(?:[QKVP]+_)?(?:FP8|INT8|MXFP4|MXFP8)(?:_DYNAMIC)?';
const attentionLabel = new RegExp(`^(?:FLOAT|FAQuant|FAKQuant|${attentionPart}(?:_${attentionPart})*)$`);

const object: FieldRule = { expected: 'an object', accepts: isJsonObject };
const text: FieldRule = { expected: 'a string', accepts: (value) => typeof value === 'string' };
const names: FieldRule = {
  expected: 'a list of names',
  accepts: (value) => Array.isArray(value) && value.every((entry) => typeof entry === 'string'),
};

/** Fields that are no tensor's. Null counts as absent. */
const fieldRules: Readonly<Record<string, FieldRule>> = {
  quant_method: oneOf('modelslim', 'ascend'),
  version: {
    expected: 'a version such as "1.0.0"',
    accepts: (value) => typeof value === 'string' && /^\d+\.\d+\.\d+$/.test(value),
  },
  group_size: {
    expected: 'a number of features, or 0',
    accepts: (value) => Number.isSafeInteger(value) && Number(value) >= 0,
  },
  metadata: object,
  optional: object,
  kv_cache_type: oneOf('C8', 'KV8'),
  kv_quant_type: oneOf('C8', 'KV8'),
  fa_quant_type: oneOf('FAKQuant', 'FAQuant'),
  ignore: names,
  // A summary: the types of the tensors count.
  model_quant_type: text,
  // The indexer of sparse attention, which no supported model has.
  indexer_quant_type: text,
  // How partial sums are exchanged and how many ranks the transforms were made for: nothing changes in one process.
  reduce_quant_type: oneOf('per_channel'),
  max_supported_tp: {
    expected: 'a number of ranks',
    accepts: (value) => Number.isSafeInteger(value) && Number(value) > 0,
  },
  // Names that an engine fuses at run time: modules go by their names in the checkpoint here.
  packed_modules_mapping: object,
};

/** @throws ConfigError for a value that the field cannot have */
export function checkFields(file: string, value: JsonObject): void {
  for (const [field, found] of Object.entries(value)) {
    const rule = ruleOf(field);
    if (!rule || found === null || rule.accepts(found)) continue;
    throw new ConfigError({ file, field, expected: rule.expected, actual: found });
  }
}

export function isKnownField(field: string): boolean {
  return ruleOf(field) !== undefined;
}

function ruleOf(field: string): FieldRule | undefined {
  if (isAttentionKey(field)) return attention;
  return Object.hasOwn(fieldRules, field) ? fieldRules[field] : undefined;
}

const attention: FieldRule = {
  expected: 'how attention is quantized, such as "INT8_DYNAMIC" or "Q_FP8_DYNAMIC_KV_FP8"',
  accepts: (value) => typeof value === 'string' && attentionLabel.test(value),
};

function oneOf(...values: readonly string[]): FieldRule {
  return {
    expected: values.map((value) => JSON.stringify(value)).join(' or '),
    accepts: (value) => typeof value === 'string' && values.includes(value),
  };
}
