import { ConfigError, RefusedError } from '@lowbit/core';
import { type ConfigSource, type Found, type Place, placeOf, readField } from './config-source.ts';
import { type GptqBits, weightFields } from './gptq-fields.ts';

export type SupportedBits = Exclude<GptqBits, 5 | 6 | 7>;

/** How the weights of a module are stored. */
export interface WeightSettings {
  readonly bits: SupportedBits;
  /** -1: one group spans all input features. */
  readonly groupSize: number;
  /** Groups are not runs of neighbouring input features: `g_idx` says which feature is in which. */
  readonly actOrder: boolean;
  /** For people: the zero points are stored and used either way. */
  readonly symmetric: boolean | undefined;
  /** Where settings stood that the tensors may contradict. */
  readonly places: { readonly bits: Place; readonly groupSize: Place };
}

/** What a rule changes for the modules that it covers. */
export type WeightOverrides = Partial<WeightSettings>;

/** @throws ConfigError; RefusedError for widths that exist only in a layout that is not supported */
export function readOverrides(sources: readonly ConfigSource[]): WeightOverrides {
  const bits = readField(sources, weightFields.bits);
  const groupSize = readField(sources, weightFields.groupSize);
  const actOrder = readField(sources, weightFields.descAct);
  const symmetric = readField(sources, weightFields.symmetric);
  return {
    ...(bits ? { bits: supportedBits(bits) } : {}),
    ...(groupSize ? { groupSize: groupSize.value } : {}),
    ...(actOrder ? { actOrder: actOrder.value } : {}),
    ...(symmetric ? { symmetric: symmetric.value } : {}),
  };
}

export function supportedBits(bits: Found<GptqBits>): SupportedBits {
  const { value, file, field } = bits;
  if (value !== 5 && value !== 6 && value !== 7) return value;
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

/** The settings of one module whose tensors do not contradict them. */
export interface ModuleShape {
  readonly name: string;
  readonly outFeatures: number;
  readonly inFeatures: number;
}

/**
 * Compares the settings with the shapes of a module's tensors, where these shapes are those of other settings.
 * @throws ConfigError naming the setting, and the tensor that shows the other value
 */
export function checkAgainstShapes(
  { name, outFeatures, inFeatures }: ModuleShape,
  { bits, groupSize, places }: WeightSettings,
  shapeOf: (tensor: string) => readonly number[] | undefined,
): void {
  const [rows = 0, columns = 0] = shapeOf(`${name}.qweight`) ?? [];
  const stored = (rows * 32) / inFeatures;
  if (columns === outFeatures && stored !== bits && [2, 3, 4, 8].includes(stored)) {
    throw new ConfigError({
      ...placeOf(places.bits),
      expected: `${stored} for ${name}, whose qweight is [${rows}, ${columns}] for ${inFeatures} input features`,
      actual: bits,
      remedy: 'The settings and the tensors do not belong together.',
    });
  }
  const [groups = 0, width] = shapeOf(`${name}.scales`) ?? [];
  const expected = groupSize === -1 ? 1 : Math.ceil(inFeatures / groupSize);
  if (width === outFeatures && groups !== expected && groups > 0 && inFeatures % groups === 0) {
    throw new ConfigError({
      ...placeOf(places.groupSize),
      expected: `${inFeatures / groups} for ${name}, whose ${name}.scales has ${groups} groups of ${inFeatures} input features`,
      actual: groupSize,
      remedy: 'The settings and the tensors do not belong together.',
    });
  }
}
