import type { Numerics } from '@lowbit/core';
import type { KvCacheType } from '@lowbit/runtime';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { byteCount, wholeNumber } from './parse-number.ts';

/** What a plan of a model depends on, besides the model. */
export interface PlanOptions {
  readonly device?: string;
  readonly numerics?: Numerics;
  readonly kvCacheDtype?: KvCacheType;
}

export function addPlanOptions(command: Command): Command {
  return addKvCacheOption(addDeviceOption(command).addOption(numericsChoice()));
}

/** As the runtime takes them. */
export function planOptions({ device, numerics, kvCacheDtype }: PlanOptions) {
  return { device, numerics, kvCacheType: kvCacheDtype };
}

/** Where and how a model runs. */
export interface RunOptions extends PlanOptions {
  readonly threads?: number;
  /** Bytes. */
  readonly memoryLimit?: number;
}

/** @param defaultNumerics where the command does not leave them to the runtime */
export function addRunOptions(command: Command, defaultNumerics?: Numerics): Command {
  const withNumerics = addThreadsOption(addDeviceOption(command)).addOption(numericsChoice(defaultNumerics));
  return addMemoryOption(addKvCacheOption(withNumerics));
}

/** As the runtime takes them. */
export function runOptions(options: RunOptions) {
  const { threads, memoryLimit } = options;
  return { ...planOptions(options), threads, memoryLimit };
}

const numerics: readonly Numerics[] = ['exact', 'faithful', 'fast'];

export function addDeviceOption(command: Command): Command {
  return command.option(
    '--device <device>',
    'cpu or webgpu; one backend: cpu:reference; one of its devices: webgpu:hardware:H100 (default: cpu)',
  );
}

function addThreadsOption(command: Command): Command {
  return command.option(
    '--threads <number>',
    'threads of a CPU backend (default: one per physical core)',
    wholeNumber({ min: 1, max: 1024 }),
  );
}

function addMemoryOption(command: Command): Command {
  return command.option(
    '--memory-limit <bytes>',
    'most memory on the device, 6GiB: what needs more is refused before a weight is read',
    byteCount,
  );
}

function numericsChoice(defaultNumerics?: Numerics): Option {
  const meaning =
    'exact: activations stay as they are; faithful: as the checkpoint says; fast: kernels may approximate';
  if (defaultNumerics !== undefined) return numericsOption(meaning).default(defaultNumerics);
  return numericsOption(`${meaning} (default: fast; faithful where the checkpoint quantizes activations)`);
}

export function numericsOption(description: string): Option {
  return new Option('--numerics <numerics>', description).choices(numerics);
}

/** By the names that serving engines give them. */
const kvCacheTypes: Readonly<Record<string, KvCacheType>> = {
  auto: 'auto',
  f32: 'f32',
  f16: 'f16',
  bf16: 'bf16',
  bfloat16: 'bf16',
  fp8_e4m3: 'fp8_e4m3',
  fp8_e5m2: 'fp8_e5m2',
};

const whatKvCacheTypesAre = `what the KV cache holds: ${Object.keys(kvCacheTypes).join(', ')} (default: auto, as the checkpoint says; where it says nothing f32, f16 with numerics fast)`;

function addKvCacheOption(command: Command): Command {
  return command.option('--kv-cache-dtype <dtype>', whatKvCacheTypesAre, (name: string): KvCacheType => {
    const type = Object.hasOwn(kvCacheTypes, name) ? kvCacheTypes[name] : undefined;
    if (type !== undefined) return type;
    throw new InvalidArgumentError(`Allowed choices are ${Object.keys(kvCacheTypes).join(', ')}.`);
  });
}
