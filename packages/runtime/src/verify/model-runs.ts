import type { Numerics } from '@lowbit/core';
import type { ModelFolder } from '../checkpoint/model-folder.ts';
import type { Model } from '../model.ts';
import { openPlan } from '../open-model.ts';
import { type ModelPlan, planModel, selectKernels } from '../plan/plan-model.ts';
import { type ExecutionVariant, varyModule } from './execution-variant.ts';
import type { VerifyOptions } from './verify-report.ts';

/** A way to run the model. */
export interface ModelRun {
  readonly numerics: Numerics;
  readonly variants: readonly ExecutionVariant[];
}

/** The model, opened once for each way to run it, and only if a record asks for it. */
export interface ModelRuns {
  open(run: ModelRun): Promise<Model>;
  close(): Promise<void>;
}

export function createModelRuns(folder: string | ModelFolder, { registry, device, signal }: VerifyOptions): ModelRuns {
  const models = new Map<string, Promise<Model>>();
  const open = async ({ numerics, variants }: ModelRun) => {
    const options = { registry, device, signal, numerics };
    const plan = await planModel(folder, options);
    return openPlan(variants.length > 0 ? varyPlan(plan, variants) : plan, options);
  };
  return {
    open(run) {
      const key = [run.numerics, ...run.variants].join(' ');
      const model = models.get(key) ?? open(run);
      models.set(key, model);
      return model;
    },
    async close() {
      // One that could not be opened was reported by whoever asked for it.
      for (const model of await Promise.allSettled(models.values())) {
        if (model.status === 'fulfilled') await model.value.close();
      }
    },
  };
}

function varyPlan(plan: ModelPlan, variants: readonly ExecutionVariant[]): ModelPlan {
  const modules = new Map(
    [...plan.modules].map(([name, module]) => [
      name,
      { ...module, description: variants.reduce(varyModule, module.description) },
    ]),
  );
  return { ...plan, modules, selections: selectKernels(modules, plan, plan.numerics) };
}
