import {
  type Blocked,
  ConfigError,
  deepFreeze,
  elementTypeOf,
  type LinearScheme,
  type LinearSpec,
  plain,
  type Stored,
  type TensorClaims,
  TensorError,
} from '@lowbit/core';
import { type AwqTensors, awqTensors, floatDTypes, type TensorForm } from '../awq-layout.ts';
import type { AwqSettings } from '../awq-settings.ts';

/**
 * `<module>.qweight`, `.scales`, `.qzeros` and, where the architecture has one, `.bias`. A symmetric checkpoint without
 * any qzeros has the middle of the range as its zero point: its codes are described as signed numbers.
 */
export function awqLinear(settings: AwqSettings): LinearScheme {
  const { bits, format } = settings;
  const scheme = `w${bits}a16`;
  return {
    name: scheme,
    describe(module, tensors) {
      const { name, outFeatures, inFeatures } = module;
      const groupSize = groupSizeOf(module, settings);
      const form = awqTensors[format]({ outFeatures, inFeatures, groupSize, bits });
      checkMultiples(module, settings, form);

      const block = [1, groupSize] as const;
      const claim = (suffix: string, { dtype, shape }: Pick<TensorForm, 'dtype' | 'shape'>) =>
        tensors.claim(`${name}.${suffix}`, { dtype, shape });
      const qweight = claim('qweight', form.qweight);
      const scales = claim('scales', form.scales);
      const zerosName = zerosNameOf(module, settings, tensors);
      const qzeros = zerosName === undefined ? undefined : claim(zerosName, form.qzeros);
      const bias = module.hasBias ? claim('bias', { dtype: floatDTypes, shape: [outFeatures] }) : undefined;

      const { holds } = form.qzeros;
      const zeros: Blocked | undefined = qzeros && {
        ref: qzeros,
        type: holds === 'zero' ? `u${bits}` : elementTypeOf(qzeros.dtype),
        layout: form.qzeros.layout,
        block,
      };
      const codes: Stored = zeros
        ? { ref: qweight, type: `u${bits}`, layout: form.qweight.layout }
        : { ref: qweight, type: `i${bits}`, layout: { ...form.qweight.layout, add: middle(bits) } };
      return deepFreeze({
        kind: 'linear',
        module: name,
        scheme,
        weight: {
          outFeatures,
          inFeatures,
          codes,
          scales: [{ ref: scales, type: elementTypeOf(scales.dtype), layout: form.scales.layout, block }],
          ...(zeros && holds === 'zero' ? { zero: zeros } : {}),
          ...(zeros && holds === 'shift' ? { shift: zeros } : {}),
        },
        ...(bias ? { bias: { ref: bias, type: elementTypeOf(bias.dtype), layout: plain('out') } } : {}),
      });
    },
  };
}

/** -2^(bits-1), modulo 2^bits in each field: unsigned codes around the middle become two's complement around 0. */
function middle(bits: number) {
  return { value: -(2 ** (bits - 1)), carry: 'field' } as const;
}

function groupSizeOf({ name, inFeatures }: LinearSpec, { groupSize, places }: AwqSettings): number {
  if (groupSize === -1) return inFeatures;
  if (inFeatures % groupSize === 0) return groupSize;
  throw new ConfigError({
    ...places.groupSize,
    expected: `a divisor of ${inFeatures}, the in features of ${name}`,
    actual: groupSize,
    remedy: 'AWQ has no partial groups: the settings and the model do not belong together.',
  });
}

function checkMultiples(
  { name, outFeatures, inFeatures }: LinearSpec,
  { bits, format }: AwqSettings,
  { qweight, multiples }: AwqTensors,
): void {
  const sizes = [
    ['out', outFeatures, multiples.out],
    ['in', inFeatures, multiples.in],
  ] as const;
  for (const [axis, size, multiple] of sizes) {
    if (size % multiple === 0) continue;
    throw new TensorError({
      code: 'TENSOR_SHAPE',
      tensor: `${name}.qweight`,
      expected: `a multiple of ${multiple} ${axis} features, as ${bits}-bit ${format} packs them into ${qweight.dtype.join()} words`,
      actual: `${size} ${axis} features`,
      remedy: 'Such a module must be left unquantized.',
    });
  }
}

/** llm-awq calls its table `scaled_zeros`. */
function zerosNameOf({ name }: LinearSpec, { format, middleZero }: AwqSettings, tensors: TensorClaims) {
  if (middleZero) return undefined;
  return format === 'gemv_fast' && tensors.has(`${name}.scaled_zeros`) ? 'scaled_zeros' : 'qzeros';
}
