import {
  type LinearDescription,
  type LinearExecution,
  LowbitError,
  type Numerics,
  type TensorBytes,
  TensorError,
} from '@lowbit/core';
import { type ActivationPlan, planActivations } from './activation-plan.ts';
import { type Accuracy, accuracyOfCodes, accuracyOfNumbers } from './choose-accuracy.ts';
import { readIntegers, readTable } from './tensor-source.ts';
import { packedCodesOf, type WeightForm, weightForm } from './weight-form.ts';
import { planCodes, planWeight, type WeightPlan } from './weight-plan.ts';

export interface LinearPlan {
  readonly kind: 'linear';
  readonly outFeatures: number;
  readonly inFeatures: number;
  readonly bias?: Float32Array;
  /** One, or two where phases keep the weight differently. */
  readonly weights: readonly WeightPlan[];
  readonly prefill: ExecutionPlan;
  readonly decode?: ExecutionPlan;
}

interface ExecutionPlan {
  /** Index of the weight. */
  readonly weight: number;
  readonly accuracy: Accuracy;
  readonly quantizer?: ActivationPlan;
  readonly accumulatorBias?: Float64Array;
}

export async function planLinear(
  description: LinearDescription,
  numerics: Numerics,
  bytes: TensorBytes,
): Promise<LinearPlan> {
  const { weight, bias } = description;
  const { outFeatures, inFeatures } = weight;
  const weights: WeightPlan[] = [];
  let numbers: number | undefined;
  const planExecution = async (execution: LinearExecution): Promise<ExecutionPlan> => {
    if (execution.integer && numerics !== 'exact') {
      const plan = await planInteger(description, execution, bytes);
      weights.push(plan.weight);
      return { ...plan.execution, weight: weights.length - 1 };
    }
    numbers ??= weights.push(await planWeight(weight, weightForm(weight), bytes)) - 1;
    const activations = numerics === 'exact' ? undefined : execution.activations;
    if (!activations) return { weight: numbers, accuracy: accuracyOfNumbers(weight, numerics) };
    const quantizer = await planActivations(activations, inFeatures, bytes);
    return { weight: numbers, accuracy: accuracyOfCodes(weight, quantizer), quantizer };
  };
  const prefill = await planExecution(description);
  const decode = description.decoding && numerics !== 'exact' ? await planExecution(description.decoding) : undefined;
  return {
    kind: 'linear',
    outFeatures,
    inFeatures,
    ...(bias ? { bias: await readTable(bias, bytes, [['out', outFeatures]]) } : {}),
    weights,
    prefill,
    ...(decode ? { decode } : {}),
  };
}

/** The codes of an integer execution, each row with its stored factor. */
export function integerForm({ weight }: LinearDescription): WeightForm {
  const codes = packedCodesOf(weight.codes.type);
  if (!codes) throw new TypeError(`${weight.codes.type} codes are not packed`);
  return { form: 'packed', packed: { codes, scales: 'f32', zeros: 'none', groupSize: weight.inFeatures } };
}

async function planInteger(description: LinearDescription, execution: LinearExecution, bytes: TensorBytes) {
  const { module, weight } = description;
  const { activations, integer } = execution;
  if (!activations || !integer) {
    throw new LowbitError({ code: 'PROGRAM', message: `module ${module}: integer constants without activations` });
  }
  const { outFeatures, inFeatures } = weight;
  const quantizer = await planActivations(activations, inFeatures, bytes);
  const [zero = 0] = quantizer.zeros ?? [];
  if (!Number.isInteger(zero) && !quantizer.zeroFirst) {
    throw new TensorError({
      code: 'TENSOR_DATA',
      tensor: activations.scale.kind === 'static' ? (activations.scale.zero?.ref.name ?? module) : module,
      expected: 'a whole zero point, for integer execution',
      actual: String(zero),
    });
  }
  const offsets = await readIntegers(integer.accumulatorBias, bytes, [['out', outFeatures]]);
  const factors = await readTable(integer.outputScale, bytes, [['out', outFeatures]]);
  const execute = { accuracy: 'int8PerToken', quantizer, accumulatorBias: Float64Array.from(offsets) } as const;
  return { weight: await planCodes(weight, integerForm(description), factors, bytes), execution: execute };
}
