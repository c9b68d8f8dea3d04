import {
  type CheckpointMetadata,
  createTensorLedger,
  describeUnquantized,
  type EmbeddingDescription,
  type KvCacheDescription,
  type LinearDescription,
  type ModuleSpec,
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
      describe(module: Spec, claims: TensorClaims): SchemeDescription | readonly LinearDescription[];
    }>,
  ) => {
    if (answer.kind === 'refused') throw new Error(`${spec.name} is refused: ${answer.refusal.message}`);
    warnings.push(...(answer.warnings ?? []));
    if (answer.kind === 'scheme') {
      descriptions.set(spec.name, [answer.scheme.describe(spec, ledger)].flat());
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
  ledger.settle([]);
  return { descriptions, unquantized, warnings };
}

/** The experts of an unquantized block are linears like others. */
function claimUnquantized(spec: ModuleSpec, tensors: TensorClaims): void {
  if (spec.kind === 'linear' && spec.tiedTo !== undefined) return;
  if (spec.kind !== 'moe') {
    describeUnquantized(spec, tensors);
    return;
  }
  const { hiddenSize, intermediateSize, projections } = spec;
  for (let expert = 0; expert < spec.numExperts; expert++) {
    const linear = (projection: string, outFeatures: number, inFeatures: number) => {
      const name = `${spec.name}.${expert}.${projection}`;
      describeUnquantized(
        { kind: 'linear', name, outFeatures, inFeatures, hasBias: false, role: 'projection' },
        tensors,
      );
    };
    linear(projections.gate, intermediateSize, hiddenSize);
    linear(projections.up, intermediateSize, hiddenSize);
    linear(projections.down, hiddenSize, intermediateSize);
  }
}
