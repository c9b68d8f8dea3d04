import { Command } from 'commander';
import { addCommonOptions, addExamples, type CommonOptions } from '../options/common-options.ts';
import { modelFolder } from '../options/model-folder.ts';
import { addPlanOptions, type PlanOptions, planOptions } from '../options/plan-options.ts';
import { formatExplanation } from '../output/explanation-text.ts';
import { createOutput } from '../output/output.ts';
import { discoverRegistry } from '../plugins.ts';
import type { Session } from '../session.ts';

interface ExplainOptions extends CommonOptions, PlanOptions {
  readonly modules?: boolean;
}

export function explainCommand(session: Session): Command {
  const command = new Command('explain')
    .summary('which scheme and kernel each module gets, and why')
    .description('Says, before any weight is read: scheme, stored layout, kernel, refusals and bytes of each module.')
    .argument('<model>', 'checkpoint folder')
    .option('--modules', 'one row per module')
    .action((model: string, options: ExplainOptions) => explain(session, model, options));
  addPlanOptions(command);
  addCommonOptions(command);
  return addExamples(command, [
    'lowbit explain ./Qwen3-8B-AWQ',
    'lowbit explain ./Qwen3-8B-AWQ --device cpu:reference --modules',
  ]);
}

async function explain(session: Session, model: string, options: ExplainOptions): Promise<void> {
  const output = createOutput(session, options);
  const folder = modelFolder(model, session.io.cwd);
  const registry = await discoverRegistry(session, output);
  const explanation = await session.runtime.explainModel(folder, {
    registry,
    ...planOptions(options),
    signal: session.signal,
  });
  if (options.json) return output.json(explanation);
  for (const warning of explanation.warnings) output.warn(warning);
  output.result(formatExplanation(explanation, { paint: output.paint, allModules: options.modules === true }));
}
