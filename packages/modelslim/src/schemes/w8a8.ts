import type {
  ActivationQuantization,
  IntegerExecution,
  LinearExecution,
  QuantizedWeight,
  Scale,
  Stored,
  TensorClaims,
} from '@lowbit/core';
import { plain } from '@lowbit/core';
import { claimNumber, claimVector, type WeightSize } from '../claim-tables.ts';
import { dynamicActivations } from './activations.ts';
import { claimInt8, int8Weight } from './int-weights.ts';
import type { LinearParts } from './linear-parts.ts';

/**
 * Static int8: `q = round(x / input_scale + input_offset)`, `y = (sum of q * weight + quant_bias) * deq_scale`. The
 * bias and the offset's share are inside `quant_bias`, rounded. The product `deq_scale` was rounded too, so the weight's
 * own scale is not exactly `deq_scale / input_scale`; only older writers store it.
 */
export function w8a8(tensors: TensorClaims, module: WeightSize): LinearParts {
  const { inputScale, outputScale, execution } = claimStatic(tensors, module);
  return { weight: staticWeight(tensors, module, inputScale, outputScale), ...execution };
}

/** Dynamic scales per token for prompts, static ones for generated tokens. */
export function w8a8Mix(tensors: TensorClaims, module: WeightSize): LinearParts {
  return {
    weight: int8Weight(tensors, module, { groupSize: module.inFeatures }),
    activations: dynamicActivations.int8,
    decoding: claimStatic(tensors, module).execution,
  };
}

interface StaticConstants {
  readonly inputScale: Stored;
  readonly outputScale: Stored;
  readonly execution: LinearExecution;
}

function claimStatic(tensors: TensorClaims, { name, outFeatures }: WeightSize): StaticConstants {
  const inputScale = claimNumber(tensors, `${name}.input_scale`);
  const zero = claimNumber(tensors, `${name}.input_offset`);
  const outputScale = claimOutputScale(tensors, `${name}.deq_scale`, outFeatures);
  const accumulatorBias = claimVector(tensors, `${name}.quant_bias`, outFeatures, ['I32']);
  const activations: ActivationQuantization = {
    type: 'i8',
    granularity: { kind: 'tensor' },
    scale: { kind: 'static', scale: inputScale, zero },
    rounding: 'half-even',
    zeroFirst: true,
  };
  const integer: IntegerExecution = { accumulatorBias, outputScale };
  return { inputScale, outputScale, execution: { activations, integer } };
}

/** F32 for models in bf16. For others an I64 holds the 32 bits of the f32. */
function claimOutputScale(tensors: TensorClaims, tensor: string, size: number): Stored {
  const stored = claimVector(tensors, tensor, size, ['F32', 'I64']);
  if (stored.ref.dtype === 'F32') return stored;
  return { ...stored, type: 'f32', layout: { axes: plain('out').axes, packed: { bits: 32, word: 64, fields: [] } } };
}

function staticWeight(
  tensors: TensorClaims,
  module: WeightSize,
  inputScale: Stored,
  outputScale: Stored,
): QuantizedWeight {
  const { name, outFeatures, inFeatures } = module;
  if (tensors.has(`${name}.weight_scale`)) return int8Weight(tensors, module, { groupSize: module.inFeatures });
  const codes = claimInt8(tensors, module);
  const scales: readonly Scale[] = [
    { ...outputScale, block: [1, inFeatures] },
    { ...inputScale, block: [outFeatures, inFeatures], divide: true },
  ];
  return { outFeatures, inFeatures, codes, scales };
}
