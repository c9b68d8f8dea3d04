import { ConfigError, type LinearSpec, placeOf, type TensorClaims } from '@lowbit/core';
import type { WeightSettings } from '../weight-settings.ts';

const remedy = 'The settings and the tensors do not belong together.';

/**
 * Looks whether the tensors of a module have the shapes of other settings: that says more than a shape that is wrong.
 * @throws ConfigError naming the setting, the tensor and the value that would fit
 */
export function checkAgainstShapes(module: LinearSpec, settings: WeightSettings, tensors: TensorClaims): void {
  const { name, outFeatures, inFeatures } = module;
  const { bits, groupSize } = settings;
  const [rows = 0, columns] = tensors.peek(`${name}.qweight`)?.shape ?? [];
  const storedBits = (rows * 32) / inFeatures;
  if (columns === outFeatures && storedBits !== bits.value && [2, 3, 4, 8].includes(storedBits)) {
    throw new ConfigError({
      ...placeOf(bits),
      expected: `${storedBits} bits, as ${name}.qweight has ${rows} rows for ${inFeatures} input features`,
      actual: bits.value,
      remedy,
    });
  }
  const [groups = 0, width] = tensors.peek(`${name}.scales`)?.shape ?? [];
  const wanted = groupSize.value === -1 ? 1 : Math.ceil(inFeatures / groupSize.value);
  if (width === outFeatures && groups > 0 && groups !== wanted && inFeatures % groups === 0) {
    throw new ConfigError({
      ...placeOf(groupSize),
      expected: `groups of ${inFeatures / groups}, as ${name}.scales has ${groups} rows for ${inFeatures} input features`,
      actual: groupSize.value,
      remedy,
    });
  }
}
