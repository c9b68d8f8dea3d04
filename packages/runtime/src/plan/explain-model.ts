import { formatLayout, type ModuleDescription, storedBytes, tensorsOf } from '@lowbit/core';
import { architectureOf } from '../checkpoint/architecture-of.ts';
import type { ModelFolder } from '../checkpoint/model-folder.ts';
import type { PlanOptions } from '../open-options.ts';
import type { Explanation, ModuleExplanation } from './explanation.ts';
import { type ModelPlan, planModel } from './plan-model.ts';

/** What would run and why: plans the model and reads no weight. */
export async function explainModel(path: string | ModelFolder, options: PlanOptions): Promise<Explanation> {
  const plan = await planModel(path, options);
  await plan.checkpoint.close();
  return explainPlan(plan);
}

export function explainPlan(plan: ModelPlan): Explanation {
  const modules = [...plan.modules.keys()].map((name) => explainModule(plan, name));
  const sum = (kinds: (kind: ModuleExplanation['kind']) => boolean) =>
    modules.filter(({ kind }) => kinds(kind)).reduce((total, { deviceBytes }) => total + deviceBytes, 0);
  return {
    path: plan.checkpoint.folder.path,
    architecture: architectureOf(plan.checkpoint.metadata.config) ?? plan.program.modelType,
    method: plan.quantization?.method ?? 'unquantized',
    aliases: plan.quantization?.aliases ?? [],
    settings: plan.quantization?.settings ?? {},
    backend: `${plan.backend.deviceKind}:${plan.backend.name}`,
    device: plan.device.name,
    numerics: plan.numerics,
    backendRefusals: plan.backendRefusals,
    modules,
    unused: [...plan.unused].map(([tensor, { reason }]) => ({ tensor, reason })),
    warnings: plan.warnings,
    bytes: {
      stored: distinctBytes(plan),
      device: sum((kind) => kind !== 'kvCache'),
      kvCachePerToken: sum((kind) => kind === 'kvCache'),
      workspacePerToken: workspaceBytes(plan.program),
    },
  };
}

function explainModule({ modules, selections, numerics }: ModelPlan, name: string): ModuleExplanation {
  const { description, rule } = modules.get(name)!;
  const selection = selections.get(name);
  const stored = storedBytes(description);
  // A selection belongs to the description's own kind: selectKernelFor saw to it.
  const kernel = selection?.kernel as
    | {
        name: string;
        bytes(d: ModuleDescription): number;
        approximation?(d: ModuleDescription, n: string): string | undefined;
      }
    | undefined;
  const approximation = kernel?.approximation?.(description, numerics);
  return {
    module: name,
    kind: description.kind,
    scheme: description.scheme,
    ...(rule === undefined ? {} : { rule }),
    layout: layoutOf(description),
    ...(kernel ? { kernel: kernel.name } : {}),
    refusals: selection?.refusals ?? [],
    ...(approximation === undefined ? {} : { approximation }),
    storedBytes: stored,
    deviceBytes: kernel ? kernel.bytes(description) : f32Bytes(description),
  };
}

function layoutOf(description: ModuleDescription): string {
  switch (description.kind) {
    case 'linear':
    case 'embedding': {
      const { type, layout } = description.weight.codes;
      return `${type} ${formatLayout(layout)}`;
    }
    case 'moe': {
      const layouts = description.experts.flatMap(({ gate, up, down }) => [gate, up, down].map(layoutOf));
      return `${description.experts.length} experts of ${[...new Set(layouts)].join(', ')}`;
    }
    case 'norm':
      return `${description.weight.type} ${formatLayout(description.weight.layout)}`;
    case 'vector':
      return `${description.vector.type} ${formatLayout(description.vector.layout)}`;
    case 'kvCache': {
      const { type, numKvHeads, headSize, valueHeadSize = headSize } = description;
      const sizes = valueHeadSize === headSize ? `${headSize}` : `${headSize} and ${valueHeadSize}`;
      return `${type} [token, ${numKvHeads} heads, ${sizes}]`;
    }
  }
}

/** Norms and vectors have no kernels: backends keep them as f32. */
function f32Bytes(description: ModuleDescription): number {
  const sizes = tensorsOf(description).map(({ shape }) => shape.reduce((product, size) => product * size, 1));
  return sizes.reduce((total, size) => total + size, 0) * Float32Array.BYTES_PER_ELEMENT;
}

function workspaceBytes({ values }: ModelPlan['program']): number {
  return Object.values(values).reduce((total, width) => total + width * Float32Array.BYTES_PER_ELEMENT, 0);
}

/** Bytes on disk, a tensor that two modules share counted once. */
function distinctBytes({ modules }: ModelPlan): number {
  const refs = new Map(
    [...modules.values()].flatMap(({ description }) => tensorsOf(description).map((ref) => [ref.name, ref])),
  );
  return [...refs.values()].reduce((sum, { start, end }) => sum + (end - start), 0);
}
