import { resolve } from 'node:path';
import { LowbitError } from '@lowbit/core';
import type { VerifyReport } from '@lowbit/runtime';
import { Command } from 'commander';
import { addCommonOptions, addExamples, type CommonOptions } from '../options/common-options.ts';
import { modelFolder } from '../options/model-folder.ts';
import { decimalNumber } from '../options/parse-number.ts';
import { addDeviceOption, numericsOption, type PlanOptions } from '../options/plan-options.ts';
import { createOutput } from '../output/output.ts';
import { createProgress } from '../output/progress.ts';
import { formatVerifyReport } from '../output/verify-report-text.ts';
import { discoverRegistry } from '../plugins.ts';
import type { Session } from '../session.ts';

interface VerifyCommandOptions extends CommonOptions, Pick<PlanOptions, 'device' | 'numerics'> {
  readonly against: string;
  readonly tolerance?: number;
}

export function verifyCommand(session: Session): Command {
  const command = new Command('verify')
    .summary('compare with numbers recorded by another implementation')
    .description(
      'Recomputes each record of a golden.safetensors and compares. Exit code 1 where a record fails, or nothing could be checked.',
    )
    .argument('<model>', 'checkpoint folder')
    .requiredOption('--against <file>', 'golden.safetensors; a golden.json beside it is read too')
    .option('--tolerance <number>', "largest difference, relative to a record's range", decimalNumber({ min: 0 }))
    .action((model: string, options: VerifyCommandOptions) => verify(session, model, options));
  addDeviceOption(command);
  command.addOption(
    numericsOption('only records of runs with these numerics (default: each record as it was made, never fast)'),
  );
  addCommonOptions(command);
  return addExamples(command, [
    'lowbit verify ./Qwen3-8B-AWQ --against ./golden.safetensors',
    'lowbit verify ./Qwen3-8B-AWQ --against ./golden.safetensors --tolerance 0.01',
  ]);
}

async function verify(session: Session, model: string, options: VerifyCommandOptions): Promise<void> {
  const output = createOutput(session, options);
  const folder = modelFolder(model, session.io.cwd);
  const registry = await discoverRegistry(session, output);
  const progress = createProgress(session.io, options);
  const { device, numerics, tolerance } = options;
  const report = await session.runtime
    .verifyModel(folder, {
      registry,
      device,
      numerics,
      tolerance,
      against: resolve(session.io.cwd, options.against),
      signal: session.signal,
      onProgress: (state) => progress.update(state),
    })
    .finally(() => progress.end());
  if (options.json) output.json(report);
  else output.result(formatVerifyReport(report, output.paint));
  rejectFailure(report);
}

/** @throws LowbitError VERIFY_FAILED naming the first failing record; VERIFY_EMPTY where no record could be checked */
function rejectFailure({ passed, records }: VerifyReport): void {
  const failed = records.filter(({ status }) => status === 'failed');
  const [first] = failed;
  if (first || !passed) {
    throw new LowbitError({
      code: 'VERIFY_FAILED',
      message: first
        ? `${first.record} differs (${first.rule}); ${failed.length} of ${records.length} records fail`
        : 'the model does not agree with the recorded numbers',
    });
  }
  if (records.every(({ status }) => status === 'unchecked')) {
    throw new LowbitError({
      code: 'VERIFY_EMPTY',
      message: `expected records that can be checked, found ${records.length === 0 ? 'none' : `${records.length} that cannot`}`,
      remedy: 'The README of @lowbit/cli shows how to record logits and weights.',
    });
  }
}
