import type { Numerics } from '@lowbit/core';
import { type Command, Option } from 'commander';

/** Where and how a model runs. */
export interface DeviceOptions {
  readonly device?: string;
}

export interface NumericsOptions {
  readonly numerics?: Numerics;
}

const numerics: readonly Numerics[] = ['exact', 'faithful', 'fast'];

export function addDeviceOption(command: Command): Command {
  return command.option('--device <device>', 'cpu, or one backend: cpu:reference (default: cpu)');
}

const whatNumericsMean =
  'exact: activations stay as they are; faithful: as the checkpoint says (default); fast: kernels may approximate';

export function addNumericsOption(command: Command, description = whatNumericsMean): Command {
  return command.addOption(new Option('--numerics <numerics>', description).choices(numerics));
}
