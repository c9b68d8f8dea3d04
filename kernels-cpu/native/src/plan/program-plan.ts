import { type ModelProgram, type Numerics, type Operation, unknownOperation } from '@lowbit/core';

/** Operations over values and modules by index. */
export interface ProgramPlan {
  /** Of each value. */
  readonly widths: Float64Array;
  readonly operations: readonly OperationPlan[];
}

type OperationPlan = { readonly kind: string } & Readonly<Record<string, unknown>>;

/**
 * Turns the names of a program that was checked into indices.
 * @param modules index of each module in the addon
 */
export function planProgram(
  program: ModelProgram,
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
  return {
    widths: Float64Array.from(names, (name) => program.values[name]!),
    operations: program.operations.flatMap((operation, index) => planOperation(operation, index, context)),
  };
}

interface PlanContext {
  value(name: string): number;
  module(name: string): number;
  /** Attention adds up in f64, as the oracle does. */
  readonly precise: boolean;
}

function planOperation(operation: Operation, index: number, { value, module, precise }: PlanContext): OperationPlan[] {
  const { kind } = operation;
  switch (operation.kind) {
    case 'embedding':
      return [{ kind, module: module(operation.module), output: value(operation.output) }];

    case 'rms-norm': {
      const { input, output, epsilon } = operation;
      return [{ kind, module: module(operation.module), input: value(input), output: value(output), epsilon }];
    }

    case 'linear': {
      const parts = operation.parts.map((part) => ({ module: module(part.module), output: value(part.output) }));
      return [{ kind, input: value(operation.input), parts }];
    }

    case 'concat': {
      const { heads, output } = operation;
      const parts = operation.parts.map((part) => ({ ...part, input: value(part.input) }));
      return [{ kind, output: value(output), heads, parts }];
    }

    case 'rope': {
      const { headSize, attentionFactor, interleaved = false, offset = 0 } = operation;
      const values = Int32Array.from(operation.values, value);
      const inverseFrequencies = Float64Array.from(operation.inverseFrequencies);
      return [{ kind, values, headSize, offset, inverseFrequencies, attentionFactor, interleaved }];
    }

    case 'attention': {
      const { numHeads, scale, slidingWindow = 0 } = operation;
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
      return [{ kind, gate: value(gate), up: value(up), output: value(output) }];
    }

    case 'moe': {
      const { input, routerLogits, output, topK, scoring, normalize, scale, groups, choiceBias } = operation;
      const chosen = choiceBias === undefined ? {} : { choiceBias: module(choiceBias) };
      const limited = groups ? { groups } : {};
      const logits = value(routerLogits);
      return [
        { kind: 'route', routerLogits: logits, topK, scoring, normalize, scale, ...chosen, ...limited },
        { kind: 'experts', module: module(operation.module), input: value(input), output: value(output) },
      ];
    }

    case 'sigmoid-mul': {
      const { gate, input, output } = operation;
      return [{ kind, gate: value(gate), input: value(input), output: value(output) }];
    }

    case 'add': {
      const { left, right, output } = operation;
      return [{ kind, left: value(left), right: value(right), output: value(output) }];
    }

    case 'logits':
      return [{ kind, module: module(operation.module), input: value(operation.input) }];

    default:
      return unknownOperation(operation, index);
  }
}
