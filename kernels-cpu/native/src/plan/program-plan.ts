import type { ModelProgram, ModuleDescription, Numerics, Operation } from '@lowbit/core';
import { createOperationChecker, type OperationChecker } from './operation-checker.ts';

/** Operations over values and modules by index. */
export interface ProgramPlan {
  /** Of each value. */
  readonly widths: Float64Array;
  readonly operations: readonly OperationPlan[];
}

type OperationPlan = { readonly kind: string } & Readonly<Record<string, unknown>>;

/**
 * Checks that the program fits its descriptions and turns names into indices.
 * @param modules index of each module in the addon
 * @throws LowbitError PROGRAM naming the operation
 */
export function planProgram(
  program: ModelProgram,
  descriptions: ReadonlyMap<string, ModuleDescription>,
  modules: ReadonlyMap<string, number>,
  numerics: Numerics,
): ProgramPlan {
  const names = Object.keys(program.values);
  const indices = new Map(names.map((name, index) => [name, index]));
  const context: PlanContext = {
    value: (name) => indices.get(name)!,
    module: (name) => modules.get(name)!,
    precise: numerics !== 'fast',
  };
  const checkerOf = createOperationChecker(program, descriptions);
  return {
    widths: Float64Array.from(names, (name) => program.values[name]!),
    operations: program.operations.flatMap((operation, index) =>
      planOperation(operation, checkerOf(operation, index), context),
    ),
  };
}

interface PlanContext {
  value(name: string): number;
  module(name: string): number;
  /** Attention adds up in f64, as the oracle does. */
  readonly precise: boolean;
}

function planOperation(
  operation: Operation,
  check: OperationChecker,
  { value, module, precise }: PlanContext,
): OperationPlan[] {
  const { kind } = operation;
  switch (operation.kind) {
    case 'embedding': {
      const { weight } = check.module(operation.module, 'embedding');
      check.require(
        weight.outFeatures >= check.vocabSize,
        `a table of ${weight.outFeatures} rows for a vocabulary of ${check.vocabSize}`,
      );
      check.writes(operation.output, weight.inFeatures);
      return [{ kind, module: module(operation.module), output: value(operation.output) }];
    }

    case 'rms-norm': {
      const { input, output, epsilon, size } = operation;
      const features = check.size(operation.module, 'norm');
      const width = check.reads(input);
      check.require(features === size, `a norm of ${features} features over runs of ${size}`);
      check.require(width % size === 0, `runs of ${size} features in a value of ${width}`);
      check.writes(output, width);
      return [{ kind, module: module(operation.module), input: value(input), output: value(output), epsilon }];
    }

    case 'linear': {
      const parts = operation.parts.map((part) => {
        const { weight } = check.module(part.module, 'linear');
        check.reads(operation.input, weight.inFeatures);
        check.writes(part.output, weight.outFeatures);
        return { module: module(part.module), output: value(part.output) };
      });
      return [{ kind, input: value(operation.input), parts }];
    }

    case 'concat': {
      const { heads, output } = operation;
      const parts = operation.parts.map(({ input, start, stride, size }) => {
        const end = start + (heads - 1) * stride + size;
        check.require(end <= check.reads(input), `features ${start} to ${end} of ${input}, which is narrower`);
        check.require(input !== output, `${output} is put together from itself`);
        return { input: value(input), start, stride, size };
      });
      check.writes(output, heads * parts.reduce((sum, { size }) => sum + size, 0));
      return [{ kind, output: value(output), heads, parts }];
    }

    case 'rope': {
      const { headSize, inverseFrequencies, attentionFactor, interleaved = false, offset = 0 } = operation;
      check.require(
        offset + 2 * inverseFrequencies.length <= headSize,
        `${inverseFrequencies.length} frequencies from feature ${offset} for heads of ${headSize}`,
      );
      for (const name of operation.values) {
        const width = check.reads(name);
        check.require(width % headSize === 0, `heads of ${headSize} features in a value of ${width}`);
      }
      const values = Int32Array.from(operation.values, value);
      const frequencies = Float64Array.from(inverseFrequencies);
      return [{ kind, values, headSize, offset, inverseFrequencies: frequencies, attentionFactor, interleaved }];
    }

    case 'attention': {
      const { numHeads, numKvHeads, headSize, valueHeadSize = headSize, scale, slidingWindow = 0 } = operation;
      const cache = check.module(operation.cache, 'kvCache');
      check.require(
        cache.numKvHeads === numKvHeads && cache.headSize === headSize,
        `a cache of ${cache.numKvHeads} heads of ${cache.headSize}, needs ${numKvHeads} of ${headSize}`,
      );
      const kept = cache.valueHeadSize ?? cache.headSize;
      check.require(kept === valueHeadSize, `a cache of values with heads of ${kept}, needs ${valueHeadSize}`);
      check.require(numHeads % numKvHeads === 0, `${numHeads} heads cannot share ${numKvHeads}`);
      check.reads(operation.query, numHeads * headSize);
      check.reads(operation.key, numKvHeads * headSize);
      check.reads(operation.value, numKvHeads * valueHeadSize);
      check.writes(operation.output, numHeads * valueHeadSize);
      return [
        {
          kind,
          cache: module(operation.cache),
          query: value(operation.query),
          key: value(operation.key),
          value: value(operation.value),
          output: value(operation.output),
          numHeads,
          scale,
          slidingWindow,
          precise,
        },
      ];
    }

    case 'silu-mul': {
      const { gate, up, output } = operation;
      check.writes(output, check.reads(up, check.reads(gate)));
      return [{ kind, gate: value(gate), up: value(up), output: value(output) }];
    }

    case 'moe': {
      const { input, routerLogits, output, topK, scoring, normalize, scale, groups, choiceBias } = operation;
      const { experts } = check.module(operation.module, 'moe');
      const hiddenSize = experts[0]?.gate.weight.inFeatures ?? 0;
      const numExperts = experts.length;
      check.require(topK >= 1 && topK <= numExperts, `${topK} of ${numExperts} experts for each row`);
      if (groups) {
        const size = numExperts / groups.count;
        check.require(
          Number.isInteger(size) && groups.chosen <= groups.count && topK <= groups.chosen * size,
          `${topK} experts out of ${groups.chosen} of ${groups.count} groups of ${numExperts} experts`,
        );
      }
      const bias = choiceBias === undefined ? numExperts : check.size(choiceBias, 'vector');
      check.require(bias === numExperts, `a bias of ${bias} for ${numExperts} experts`);
      check.reads(routerLogits, numExperts);
      check.reads(input, hiddenSize);
      check.writes(output, hiddenSize);
      const chosen = choiceBias === undefined ? {} : { choiceBias: module(choiceBias) };
      return [
        {
          kind: 'route',
          routerLogits: value(routerLogits),
          topK,
          scoring,
          normalize,
          scale,
          ...chosen,
          ...(groups ? { groups } : {}),
        },
        { kind: 'experts', module: module(operation.module), input: value(input), output: value(output) },
      ];
    }

    case 'sigmoid-mul': {
      const { gate, input, output } = operation;
      check.reads(gate, 1);
      check.writes(output, check.reads(input));
      return [{ kind, gate: value(gate), input: value(input), output: value(output) }];
    }

    case 'add': {
      const { left, right, output } = operation;
      check.writes(output, check.reads(right, check.reads(left)));
      return [{ kind, left: value(left), right: value(right), output: value(output) }];
    }

    case 'logits': {
      const { weight } = check.module(operation.module, 'linear');
      check.reads(operation.input, weight.inFeatures);
      check.require(
        weight.outFeatures === check.vocabSize,
        `${weight.outFeatures} logits for a vocabulary of ${check.vocabSize}`,
      );
      return [{ kind, module: module(operation.module), input: value(operation.input) }];
    }
  }
  // A kind that core has gained since: the program is newer than this backend.
  return check.fail(`${kind} is not an operation of this backend`);
}
