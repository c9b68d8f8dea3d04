import type { RecordReport, VerifyOptions } from '@lowbit/runtime';
import { describe, expect, it } from 'vitest';
import { fakeRuntime } from '../test-support/fake-runtime.ts';
import { runCommand } from '../test-support/run-command.ts';

const passed: RecordReport = {
  record: 'logits_0',
  kind: 'logits',
  status: 'passed',
  rule: 'at most 0.001 of the range',
  measures: {
    maxAbsDifference: 2e-5,
    meanAbsDifference: 1e-6,
    range: 40,
    relative: 5e-7,
    top1Agreement: 1,
    klDivergence: 0,
  },
};
const failed: RecordReport = { record: 'weight.q_proj', kind: 'weight', status: 'failed', rule: 'bit for bit' };
const unchecked: RecordReport = { record: 'other', kind: 'unknown', status: 'unchecked', rule: 'no such record kind' };

function verifying(...records: readonly RecordReport[]) {
  const asked: VerifyOptions[] = [];
  const runtime = fakeRuntime({
    verifyModel: async (_folder, options) => {
      asked.push(options);
      return { passed: records.every(({ status }) => status !== 'failed'), records };
    },
  });
  return { runtime, asked };
}

describe('lowbit verify', () => {
  it('prints one row per record, and says what is unchecked', async () => {
    const { runtime, asked } = verifying(passed, unchecked);
    const argv = ['verify', '.', '--against', 'golden.safetensors', '--tolerance', '0.001', '--numerics', 'exact'];
    const { code, stdout, stderr } = await runCommand(argv, runtime, { cwd: '/tmp' });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatchInlineSnapshot(`
      "record    status     max |diff|  of range    top-1  KL (nats)  rule
      logits_0  passed        2.00e-5   5.00e-7  100.0 %          0  at most 0.001 of the range
      other     unchecked           -         -        -          -  no such record kind

      2 records: 1 passed, 0 failed, 1 unchecked
      "
    `);
    expect(asked[0]).toMatchObject({ against: '/tmp/golden.safetensors', tolerance: 0.001, numerics: 'exact' });
  });

  it('names the first record that fails and ends with 1', async () => {
    const { runtime } = verifying(passed, failed, { ...failed, record: 'weight.k_proj' });
    const { code, stderr } = await runCommand(['verify', '.', '--against', 'g'], runtime);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: 'error: weight.q_proj differs (bit for bit); 2 of 3 records fail\n',
    });
  });

  it.each([
    [[], 'none'],
    [[unchecked], '1 that cannot'],
  ])('does not pass where nothing was checked: %j', async (records, found) => {
    const { code, stderr } = await runCommand(['verify', '.', '--against', 'g'], verifying(...records).runtime);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: `error: expected records that can be checked, found ${found}\nThe README of @lowbit/cli shows how to record logits and weights.\n`,
    });
  });

  it('prints the report with --json, also where it fails', async () => {
    const { runtime } = verifying(failed);
    const { code, stdout } = await runCommand(['verify', '.', '--against', 'g', '--json'], runtime);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toEqual({ passed: false, records: [failed] });
  });
});
