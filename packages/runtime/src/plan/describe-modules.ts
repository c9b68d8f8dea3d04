import {
  ConfigError,
  describeUnquantized,
  type KvCacheSpec,
  type LinearSpec,
  type ModelProgram,
  type ModuleDescription,
  type ModuleSpec,
  type NormSpec,
  type QuantizationConfig,
  RefusedError,
  type SchemeAnswer,
  type TensorClaims,
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

  const describe = <Spec extends Exclude<ModuleSpec, NormSpec>>(
    spec: Spec,
    answer: SchemeAnswer<{ describe(module: Spec, tensors: TensorClaims): ModuleDescription }> | undefined,
  ): DescribedModule => {
    if (!answer) return { description: describeUnquantized(spec, tensors), rule: 'the checkpoint is not quantized' };
    if (answer.kind === 'refused') {
      throw new RefusedError({ message: `${spec.name} cannot be loaded`, refusals: [answer.refusal] });
    }
    for (const warning of answer.warnings ?? []) warnings.add(warning);
    if (answer.kind === 'scheme') return { description: answer.scheme.describe(spec, tensors) };
    return { description: describeUnquantized(spec, tensors), rule: answer.rule };
  };

  const describeLinear = (spec: LinearSpec): DescribedModule => {
    const answer = config?.linearScheme(spec);
    // A tied head may still be quantized by itself, with tensors of its own: then these count.
    if (spec.tiedTo === undefined || (answer && answer.kind !== 'unquantized')) return describe(spec, answer);
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
        modules.set(spec.name, describe(spec, config?.embeddingScheme(spec)));
        break;
      case 'kvCache': {
        const cache = describe(spec, config?.kvCacheScheme(spec));
        requireValueHeads(spec, cache.description);
        modules.set(spec.name, cache);
        break;
      }
      case 'norm':
        modules.set(spec.name, { description: describeUnquantized(spec, tensors), rule: 'norms are not quantized' });
        break;
      case 'vector':
        modules.set(spec.name, { description: describeUnquantized(spec, tensors), rule: 'vectors are not quantized' });
        break;
      case 'moe':
        modules.set(spec.name, describe(spec, config?.moeScheme(spec)));
        break;
    }
  }
  return { modules, warnings: [...warnings] };
}

/**
 * A scheme that knows one head size only, or scales that stand for the compressed keys and values of latent attention,
 * mean nothing for a cache whose values have heads of another size.
 */
function requireValueHeads(spec: KvCacheSpec, description: ModuleDescription): void {
  const { headSize, valueHeadSize } = spec;
  if (description.kind === 'kvCache' && description.valueHeadSize === valueHeadSize) return;
  const refusal = {
    by: description.scheme,
    code: 'KV_CACHE_HEADS',
    message: `keys with heads of ${headSize} and values with heads of ${valueHeadSize}: its scales are for one size`,
  };
  throw new RefusedError({ message: `the KV cache of ${spec.name} cannot be loaded`, refusals: [refusal] });
}
