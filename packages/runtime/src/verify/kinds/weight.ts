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
      const { createHash } = await import('node:crypto');
      const { buffer, byteOffset, byteLength } = await dequantizeModule(plan, weight);
      const computed = createHash('sha256')
        .update(new Uint8Array(buffer, byteOffset, byteLength))
        .digest('hex');
      return { status: computed === hash ? 'passed' : 'failed', rule: 'the same SHA-256' };
    },
  };
}
