import {
  createTensorLedger,
  type KernelSelection,
  LowbitError,
  type ModelProgram,
  NoKernelError,
  type Numerics,
  type QuantizationConfig,
  type Refusal,
  RefusedError,
  selectKernelFor,
  type UnusedRule,
} from '@lowbit/core';
import { type ModelFolder, openModelFolder } from '../checkpoint/model-folder.ts';
import { type Checkpoint, readCheckpoint } from '../checkpoint/read-checkpoint.ts';
import { findModel } from '../models/find-model.ts';
import type { PlanOptions } from '../open-options.ts';
import { candidateBackends, parseDevice, probeBackend, type ReadyBackend, refusalOf } from './choose-backend.ts';
import { chooseKvCacheType, halveKvCaches } from './choose-kv-cache-type.ts';
import { chooseNumerics } from './choose-numerics.ts';
import { type DescribedModule, describeModules } from './describe-modules.ts';
import { requireMethod } from './require-method.ts';
import { unusedRules } from './unused-rules.ts';

/** Everything decided about a run, before a weight is read. */
export interface ModelPlan extends ReadyBackend {
  readonly checkpoint: Checkpoint;
  readonly program: ModelProgram;
  /** Absent for a checkpoint that is not quantized. */
  readonly quantization: QuantizationConfig | undefined;
  readonly modules: ReadonlyMap<string, DescribedModule>;
  readonly selections: ReadonlyMap<string, KernelSelection>;
  readonly numerics: Numerics;
  /** Backends that came first and could not. */
  readonly backendRefusals: readonly Refusal[];
  /** Tensors left aside, with the rule. */
  readonly unused: ReadonlyMap<string, UnusedRule>;
  readonly warnings: readonly string[];
}

/**
 * From a folder to a plan: method, scheme per module, every tensor accounted for, backend, kernel per module.
 * The caller closes `plan.checkpoint`.
 * @throws LowbitError of the step that fails; nothing stays open then
 */
export async function planModel(path: string | ModelFolder, options: PlanOptions): Promise<ModelPlan> {
  const folder = typeof path === 'string' ? await openModelFolder(path) : path;
  const checkpoint = await readCheckpoint(folder, options.registry);
  try {
    const described = await describeCheckpoint(checkpoint, options);
    const descriptions = [...described.modules.values()].map(({ description }) => description);
    const numerics = options.numerics ?? chooseNumerics(descriptions);
    const chosen = await chooseBackend(described.modules, numerics, options);
    return { checkpoint, ...described, ...chosen, numerics };
  } catch (error) {
    await checkpoint.close();
    throw error;
  }
}

type Described = Pick<ModelPlan, 'program' | 'quantization' | 'modules' | 'unused' | 'warnings'>;

/** The part of a plan that knows no device. */
async function describeCheckpoint(checkpoint: Checkpoint, options: PlanOptions): Promise<Described> {
  const { metadata } = checkpoint;
  const method = await (await requireMethod(options.registry, checkpoint))?.load();
  const model = findModel(metadata.config);
  const program = limitContext(model.program(metadata), options.contextLength);
  const quantization = method?.parseConfig(metadata);
  const ledger = createTensorLedger(metadata.tensors);
  const described = describeModules(program, quantization, ledger);
  const { modules, warnings, leftAside } = chooseKvCacheType(described, options.kvCacheType);
  const modelRules = model.unused?.(metadata.config) ?? [];
  const settled = ledger.settle([...unusedRules(program), ...modelRules, ...(quantization?.unused ?? [])]);
  const unused = new Map([...settled, ...leftAside]);
  return { program, quantization, modules, unused, warnings: [...(quantization?.warnings ?? []), ...warnings] };
}

/**
 * The first candidate that is present and has a kernel for every module.
 * @throws RefusedError, or the last candidate's NoKernelError, with all reasons
 */
async function chooseBackend(
  modules: ReadonlyMap<string, DescribedModule>,
  numerics: Numerics,
  { registry, device: wanted = 'cpu', kvCacheType = 'auto' }: PlanOptions,
): Promise<Pick<ModelPlan, 'backend' | 'device' | 'modules' | 'selections' | 'backendRefusals'>> {
  const halves = numerics === 'fast' && kvCacheType === 'auto';
  const backendRefusals: Refusal[] = [];
  for (const candidate of candidateBackends(registry, wanted)) {
    const probe = await probeBackend(candidate, parseDevice(wanted).device);
    const refusal = refusalOf(probe);
    if (refusal) backendRefusals.push(refusal);
    if (!probe.ready) continue;
    try {
      const kept = halves ? halveKvCaches(modules, probe.ready) : modules;
      const selections = selectKernels(kept, probe.ready, numerics);
      return { ...probe.ready, modules: kept, selections, backendRefusals };
    } catch (error) {
      if (!(error instanceof NoKernelError)) throw error;
      const { code, message } = error;
      backendRefusals.push({ by: probe.backend, code, message });
    }
  }
  throw new RefusedError({
    code: 'NO_BACKEND',
    message: `no backend for ${wanted} can run this model`,
    refusals: backendRefusals,
  });
}

/** The kernel of each module that has one. */
export function selectKernels(
  modules: ReadonlyMap<string, DescribedModule>,
  { backend, device }: ReadyBackend,
  numerics: Numerics,
): ReadonlyMap<string, KernelSelection> {
  const selections = new Map<string, KernelSelection>();
  for (const [name, { description }] of modules) {
    if (description.kind === 'norm' || description.kind === 'vector') continue;
    selections.set(name, selectKernelFor(backend.kernels, description, device, numerics));
  }
  return selections;
}

function limitContext(program: ModelProgram, wanted: number | undefined): ModelProgram {
  if (wanted === undefined) return program;
  if (Number.isInteger(wanted) && wanted > 0 && wanted <= program.contextLength)
    return { ...program, contextLength: wanted };
  throw new LowbitError({
    code: 'CONTEXT_LENGTH',
    message: `context length ${wanted}: expected a whole number from 1 to the model's ${program.contextLength}`,
    remedy: 'Leave it out to use all of the model.',
  });
}
