import { compareValues } from '../compare.ts';
import { judgeWeight } from '../judge.ts';
import { dequantizeModule, weightOf } from '../module-weight.ts';
import { missingModule, type RecordCheck } from '../record-kind.ts';

/** `weight.<module>`, `[out, in]`: dequantized, bit for bit. */
export function weightCheck(record: string): RecordCheck | undefined {
  const [, module] = /^weight\.(.+)$/.exec(record) ?? [];
  if (module === undefined) return undefined;
  return {
    record,
    kind: 'weight',
    async check({ plan, golden }) {
      const weight = weightOf(plan, module);
      if (!weight) return missingModule(module);
      const computed = await dequantizeModule(plan, weight);
      return judgeWeight(compareValues(await golden.floats(record, computed.length), computed));
    },
  };
}

/** `weight_sha256` of `golden.json`: the hash of a weight's little-endian row-major f32 bytes. */
export function weightHashCheck(module: string, hash: string): RecordCheck {
  return {
    record: `weight_sha256.${module}`,
    kind: 'weight-hash',
    async check({ plan }) {
      const weight = weightOf(plan, module);
      if (!weight) return missingModule(module);
      const { buffer, byteOffset, byteLength } = await dequantizeModule(plan, weight);
      const bytes = new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);
      const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
      const computed = Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
      return { status: computed === hash ? 'passed' : 'failed', rule: 'the same SHA-256' };
    },
  };
}
