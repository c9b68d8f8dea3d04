import {
  type Blocked,
  deepFreeze,
  elementTypeOf,
  type LinearScheme,
  type LinearSpec,
  plain,
  type Stored,
  type TensorClaims,
  TensorError,
  type TensorRef,
} from '@lowbit/core';
import { floatDTypes, type GptqFormat, type GptqTensors, gptqTensors, type TensorForm } from '../gptq-layout.ts';
import { usesActOrder, type WeightSettings } from '../weight-settings.ts';
import { checkAgainstShapes } from './settings-and-shapes.ts';

/** What holds for all modules of a checkpoint. */
interface CheckpointForm {
  readonly format: GptqFormat;
  /** Quantized modules have a `g_idx`. */
  readonly indexed: boolean;
}

/**
 * `<module>.qweight`, `.qzeros`, `.scales`, `.g_idx` where it is, and `.bias` where the architecture has one. An index
 * is used whatever the settings say: whether it only counts groups in order shows when it is read. Zero points are used
 * as stored, also where the settings call the weights symmetric.
 */
export function gptqLinear(settings: WeightSettings, checkpoint: CheckpointForm): LinearScheme {
  const bits = settings.bits.value;
  const groupSize = settings.groupSize.value;
  const scheme = `w${bits}a16`;
  return {
    name: scheme,
    describe(module, tensors) {
      const { name, outFeatures, inFeatures } = module;
      const cols = groupSize === -1 ? inFeatures : Math.min(groupSize, inFeatures);
      const groups = Math.ceil(inFeatures / cols);
      checkWords(module, bits);
      checkAgainstShapes(module, settings, tensors);
      const forms = gptqTensors({ outFeatures, inFeatures, groups, bits }, checkpoint.format);
      checkForms(module, forms, tensors);
      if (groups > 1 && usesActOrder(settings)) requireIndex(module, 'desc_act is true', tensors);
      if (checkpoint.indexed) requireIndex(module, 'other modules have one', tensors);

      const claim = (suffix: string, { dtype, shape }: Pick<TensorForm, 'dtype' | 'shape'>) =>
        tensors.claim(`${name}.${suffix}`, { dtype, shape });
      const qweight = claim('qweight', forms.qweight);
      const qzeros = claim('qzeros', forms.qzeros);
      const scales = claim('scales', forms.scales);
      const gIdx = tensors.claimOptional(`${name}.g_idx`, forms.gIdx);
      const bias = module.hasBias ? claim('bias', { dtype: floatDTypes, shape: [outFeatures] }) : undefined;

      const table: Pick<Blocked, 'block' | 'indexed'> = { block: [1, cols], ...(gIdx ? { indexed: true } : {}) };
      const zero: Blocked = { ref: qzeros, type: `u${bits}`, layout: forms.qzeros.layout, ...table };
      return deepFreeze({
        kind: 'linear',
        module: name,
        scheme,
        weight: {
          outFeatures,
          inFeatures,
          codes: { ref: qweight, type: `u${bits}`, layout: forms.qweight.layout },
          scales: [{ ...asStored(scales, forms.scales), ...table }],
          zero,
          ...(gIdx ? { groupIndex: asStored(gIdx, forms.gIdx) } : {}),
        },
        ...(bias ? { bias: { ref: bias, type: elementTypeOf(bias.dtype), layout: plain('out') } } : {}),
      });
    },
  };
}

function asStored(ref: TensorRef, { layout }: TensorForm): Stored {
  return { ref, type: elementTypeOf(ref.dtype), layout };
}

function checkWords({ name, outFeatures, inFeatures }: LinearSpec, bits: number): void {
  const multiple = bits === 3 ? 32 : 32 / bits;
  const sizes = [
    ['in', inFeatures, 'qweight'],
    ['out', outFeatures, 'qzeros'],
  ] as const;
  for (const [axis, size, suffix] of sizes) {
    if (size % multiple === 0) continue;
    throw new TensorError({
      code: 'TENSOR_SHAPE',
      tensor: `${name}.${suffix}`,
      expected: `a multiple of ${multiple} ${axis} features, as ${bits}-bit codes fill whole I32 words`,
      actual: `${size} ${axis} features`,
      remedy: 'Such a module must be left unquantized.',
    });
  }
}

/** What other tools write under the same names. */
function checkForms({ name, inFeatures }: LinearSpec, { qzeros, scales }: GptqTensors, tensors: TensorClaims): void {
  const found = tensors.peek(`${name}.qzeros`);
  if (found && found.dtype !== 'I32' && JSON.stringify(found.shape) === JSON.stringify(scales.shape)) {
    throw new TensorError({
      code: 'TENSOR_DTYPE',
      tensor: found.name,
      expected: `packed zero points, I32 [${qzeros.shape.join(', ')}]`,
      actual: `${found.dtype} [${found.shape.join(', ')}], one number per zero point`,
      remedy: 'Unpacked zero points, as some tools write them, are not supported.',
    });
  }
  const index = tensors.peek(`${name}.g_idx`);
  const [length = 0] = index?.shape ?? [];
  if (index && index.shape.length === 1 && length > inFeatures && length % inFeatures === 0) {
    throw new TensorError({
      code: 'TENSOR_SHAPE',
      tensor: index.name,
      expected: `[${inFeatures}]`,
      actual: `[${length}]: the indices of ${length / inFeatures} modules that were fused when they were quantized`,
      remedy: 'Such stacked indices are not supported.',
    });
  }
}

function requireIndex({ name, inFeatures }: LinearSpec, reason: string, tensors: TensorClaims): void {
  if (tensors.has(`${name}.g_idx`)) return;
  throw new TensorError({
    code: 'TENSOR_MISSING',
    tensor: `${name}.g_idx`,
    expected: `I32 or I64 [${inFeatures}], as ${reason}`,
    actual: 'no such tensor',
    remedy: 'Without it nobody knows which input features share a scale.',
  });
}
