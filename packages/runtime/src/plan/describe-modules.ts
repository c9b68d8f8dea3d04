import {
  ConfigError,
  type EmbeddingDescription,
  type EmbeddingSpec,
  elementTypeOf,
  type KvCacheDescription,
  type KvCacheSpec,
  type LinearDescription,
  type LinearSpec,
  type ModelProgram,
  type ModuleDescription,
  type ModuleSpec,
  type NormDescription,
  type NormSpec,
  plain,
  type QuantizationConfig,
  type QuantizedWeight,
  RefusedError,
  type SchemeAnswer,
  type TensorClaims,
  type TensorRequirement,
} from '@lowbit/core';

/** A module's description, and for unquantized ones the rule that said so. */
export interface DescribedModule {
  readonly description: ModuleDescription;
  readonly rule?: string;
}

export interface DescribedModel {
  readonly modules: ReadonlyMap<string, DescribedModule>;
  readonly warnings: readonly string[];
}

const floats = ['F32', 'F16', 'BF16'] as const;

/**
 * Asks the config for a scheme per module, by kind, and lets the scheme describe it. Reads no tensor data.
 * @throws TensorError, RefusedError naming the module
 */
export function describeModules(
  program: ModelProgram,
  config: QuantizationConfig | undefined,
  tensors: TensorClaims,
): DescribedModel {
  const modules = new Map<string, DescribedModule>();
  const warnings = new Set<string>();

  const describe = <Spec extends ModuleSpec>(
    spec: Spec,
    answer: SchemeAnswer<{ describe(module: Spec, tensors: TensorClaims): ModuleDescription }> | undefined,
    unquantized: (spec: Spec, tensors: TensorClaims) => ModuleDescription,
  ): DescribedModule => {
    if (!answer) return { description: unquantized(spec, tensors), rule: 'the checkpoint is not quantized' };
    if (answer.kind === 'refused') {
      throw new RefusedError({ message: `${spec.name} cannot be loaded`, refusals: [answer.refusal] });
    }
    for (const warning of answer.warnings ?? []) warnings.add(warning);
    if (answer.kind === 'scheme') return { description: answer.scheme.describe(spec, tensors) };
    return { description: unquantized(spec, tensors), rule: answer.rule };
  };

  const describeLinear = (spec: LinearSpec): DescribedModule => {
    if (spec.tiedTo === undefined) return describe(spec, config?.linearScheme(spec), describeUnquantizedLinear);
    const embedding = modules.get(spec.tiedTo)?.description;
    if (embedding?.kind !== 'embedding') {
      throw new ConfigError({
        file: 'config.json',
        field: 'tie_word_embeddings',
        expected: 'an embedding before its head',
        actual: spec.tiedTo,
      });
    }
    const { weight, scheme } = embedding;
    return { description: { kind: 'linear', module: spec.name, scheme, weight }, rule: `tied to ${spec.tiedTo}` };
  };

  for (const spec of program.modules) {
    switch (spec.kind) {
      case 'linear':
        modules.set(spec.name, describeLinear(spec));
        break;
      case 'embedding':
        modules.set(spec.name, describe(spec, config?.embeddingScheme(spec), describeUnquantizedEmbedding));
        break;
      case 'kvCache':
        modules.set(spec.name, describe(spec, config?.kvCacheScheme(spec), describeUnquantizedKvCache));
        break;
      case 'norm':
        modules.set(spec.name, { description: describeNorm(spec, tensors), rule: 'norms are not quantized' });
        break;
      case 'moe':
        throw new RefusedError({
          message: `${spec.name} cannot be loaded`,
          refusals: [{ by: 'runtime', code: 'MOE', message: 'mixture-of-experts blocks are not supported yet' }],
        });
    }
  }
  return { modules, warnings: [...warnings] };
}

function describeUnquantizedLinear(spec: LinearSpec, tensors: TensorClaims): LinearDescription {
  return {
    kind: 'linear',
    module: spec.name,
    scheme: 'unquantized',
    weight: claimMatrix(tensors, `${spec.name}.weight`, spec.outFeatures, spec.inFeatures),
    ...(spec.hasBias ? { bias: claimVector(tensors, `${spec.name}.bias`, spec.outFeatures) } : {}),
  };
}

function describeUnquantizedEmbedding(spec: EmbeddingSpec, tensors: TensorClaims): EmbeddingDescription {
  const weight = claimMatrix(tensors, `${spec.name}.weight`, spec.vocabSize, spec.hiddenSize);
  return { kind: 'embedding', module: spec.name, scheme: 'unquantized', weight };
}

function describeUnquantizedKvCache(spec: KvCacheSpec, _tensors: TensorClaims): KvCacheDescription {
  const { name, numKvHeads, headSize } = spec;
  return { kind: 'kvCache', module: name, scheme: 'unquantized', type: 'f32', numKvHeads, headSize };
}

function describeNorm(spec: NormSpec, tensors: TensorClaims): NormDescription {
  return {
    kind: 'norm',
    module: spec.name,
    scheme: 'unquantized',
    weight: claimVector(tensors, `${spec.name}.weight`, spec.size),
  };
}

function claimMatrix(tensors: TensorClaims, name: string, outFeatures: number, inFeatures: number): QuantizedWeight {
  const codes = claimFloats(tensors, name, { dtype: floats, shape: [outFeatures, inFeatures] }, plain('out', 'in'));
  return { outFeatures, inFeatures, codes, scales: [] };
}

function claimVector(tensors: TensorClaims, name: string, size: number) {
  return claimFloats(tensors, name, { dtype: floats, shape: [size] }, plain('out'));
}

function claimFloats(
  tensors: TensorClaims,
  name: string,
  requirement: TensorRequirement,
  layout: ReturnType<typeof plain>,
) {
  const ref = tensors.claim(name, requirement);
  return { ref, type: elementTypeOf(ref.dtype), layout };
}
