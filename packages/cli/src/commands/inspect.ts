import { Command } from 'commander';
import { addCommonOptions, addExamples, type CommonOptions } from '../options/common-options.ts';
import { modelFolder } from '../options/model-folder.ts';
import { formatInspection } from '../output/inspection-text.ts';
import { createOutput } from '../output/output.ts';
import { discoverRegistry } from '../plugins.ts';
import type { Session } from '../session.ts';

interface InspectOptions extends CommonOptions {
  readonly tensors?: boolean;
}

export function inspectCommand(session: Session): Command {
  const command = new Command('inspect')
    .summary('what a checkpoint folder holds')
    .description(
      'Shows configuration, quantization settings, files, tensors and sizes. Needs no method and no backend.',
    )
    .argument('<model>', 'checkpoint folder')
    .option('--tensors', 'one row per tensor')
    .action((model: string, options: InspectOptions) => inspect(session, model, options));
  addCommonOptions(command);
  return addExamples(command, [
    'lowbit inspect ./Qwen3-8B-AWQ',
    'lowbit inspect ./Qwen3-8B-AWQ --json | jq .bytesByDType',
  ]);
}

async function inspect(session: Session, model: string, options: InspectOptions): Promise<void> {
  const output = createOutput(session, options);
  const folder = modelFolder(model, session.io.cwd);
  const registry = await discoverRegistry(session, output);
  const inspection = await session.runtime.inspectModel(folder, { registry });
  if (options.json) return output.json(inspection);
  output.result(formatInspection(inspection, { paint: output.paint, allTensors: options.tensors === true }));
}
