import {
  type CheckpointMetadata,
  createTensorLedger,
  describeUnquantized,
  type EmbeddingDescription,
  type KvCacheDescription,
  type LinearDescription,
  linearsOf,
  type ModuleSpec,
  type MoeDescription,
  type QuantizationMethod,
  type SchemeAnswer,
  type TensorClaims,
} from '@lowbit/core';

type SchemeDescription = LinearDescription | EmbeddingDescription | KvCacheDescription;

/** What a method says about every module of a checkpoint. */
export interface DescribedCheckpoint {
  /** By module; an expert block gives several. */
  readonly descriptions: ReadonlyMap<string, readonly SchemeDescription[]>;
  /** By module: the rule that leaves it unquantized. */
  readonly unquantized: ReadonlyMap<string, string>;
  readonly warnings: readonly string[];
}

/**
 * Parses the settings, describes every module and closes the books: as a runtime does before it reads a weight.
 * @throws LowbitError from the method or from the ledger; Error for a module that the method refuses
 */
export function describeCheckpoint(
  method: QuantizationMethod,
  metadata: CheckpointMetadata,
  modules: readonly ModuleSpec[],
): DescribedCheckpoint {
  const config = method.parseConfig(metadata);
  const ledger = createTensorLedger(metadata.tensors);
  const descriptions = new Map<string, readonly SchemeDescription[]>();
  const unquantized = new Map<string, string>();
  const warnings = [...config.warnings];

  const take = <Spec extends ModuleSpec>(
    spec: Spec,
    answer: SchemeAnswer<{
      describe(module: Spec, claims: TensorClaims): SchemeDescription | MoeDescription;
    }>,
  ) => {
    if (answer.kind === 'refused') throw new Error(`${spec.name} is refused: ${answer.refusal.message}`);
    warnings.push(...(answer.warnings ?? []));
    if (answer.kind === 'scheme') {
      const description = answer.scheme.describe(spec, ledger);
      descriptions.set(spec.name, description.kind === 'moe' ? linearsOf(description) : [description]);
    } else {
      unquantized.set(spec.name, answer.rule);
      claimUnquantized(spec, ledger);
    }
  };
  for (const spec of modules) {
    if (spec.kind === 'linear') take(spec, config.linearScheme(spec));
    else if (spec.kind === 'moe') take(spec, config.moeScheme(spec));
    else if (spec.kind === 'embedding') take(spec, config.embeddingScheme(spec));
    else if (spec.kind === 'kvCache') take(spec, config.kvCacheScheme(spec));
    else claimUnquantized(spec, ledger);
  }
  ledger.settle(config.unused ?? []);
  return { descriptions, unquantized, warnings };
}

function claimUnquantized(spec: ModuleSpec, tensors: TensorClaims): void {
  if (spec.kind !== 'linear' || spec.tiedTo === undefined) describeUnquantized(spec, tensors);
}
