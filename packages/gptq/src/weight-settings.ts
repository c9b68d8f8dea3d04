import { type FoundSetting, RefusedError, readField, type SettingsSource } from '@lowbit/core';
import { type GptqBits, weightFields } from './gptq-fields.ts';

export type SupportedBits = Exclude<GptqBits, 5 | 6 | 7>;

/** How the weights of a module are stored. */
export interface WeightSettings {
  readonly bits: FoundSetting<SupportedBits>;
  /** -1: one group spans all input features. */
  readonly groupSize: FoundSetting<number>;
  /** Groups were made in another order than that of the input features: `g_idx` says which feature is in which. */
  readonly descAct: boolean;
  /** For people: zero points are stored and used either way. */
  readonly symmetric: boolean | undefined;
}

/** What a rule changes for the modules that it covers. */
export type WeightOverrides = Partial<WeightSettings>;

/** @throws ConfigError; RefusedError as `supportedBits` */
export function readOverrides(source: SettingsSource): WeightOverrides {
  const bits = readField([source], weightFields.bits);
  const groupSize = readField([source], weightFields.groupSize);
  const descAct = readField([source], weightFields.descAct);
  const symmetric = readField([source], weightFields.symmetric);
  return {
    ...(bits ? { bits: supportedBits(bits) } : {}),
    ...(groupSize ? { groupSize } : {}),
    ...(descAct ? { descAct: descAct.value } : {}),
    ...(symmetric ? { symmetric: symmetric.value } : {}),
  };
}

/** With one group for all input features there is no order. */
export function usesActOrder({ descAct, groupSize }: WeightSettings): boolean {
  return descAct && groupSize.value !== -1;
}

/** @throws RefusedError for widths that exist only in a layout that is not supported */
export function supportedBits({ value, file, field }: FoundSetting<GptqBits>): FoundSetting<SupportedBits> {
  if (value !== 5 && value !== 6 && value !== 7) return { value, file, field };
  throw new RefusedError({
    message: `${file}: ${field}: ${value}-bit weights are not supported`,
    refusals: [
      {
        by: 'gptq',
        code: 'BITS',
        message: "5, 6 and 7 bits exist only in GPTQModel's planar layout (gptq_p)",
        hint: 'use 2, 3, 4 or 8 bits',
      },
    ],
  });
}
