import type { ConcatPart, ModelProgram, ModuleSpec, Operation } from '@lowbit/core';

/** Collects a program: each step adds its modules, its values and its operation. */
export interface ProgramBuilder {
  /** Adds a module and gives its name back. */
  module(spec: ModuleSpec): string;
  /** Adds a value, or checks that it has this width. */
  value(name: string, width: number): string;
  add(operation: Operation): void;
  rmsNorm(
    module: string,
    input: string,
    output: string,
    options: { readonly size: number; readonly epsilon: number },
  ): void;
  /** One input through several linears. */
  project(input: string, inFeatures: number, parts: readonly Projection[]): void;
  /** Heads put together from slices of other values. */
  concat(output: string, heads: number, parts: readonly ConcatPart[]): void;
  finish(model: Pick<ModelProgram, 'modelType' | 'vocabSize' | 'contextLength'>): ModelProgram;
}

interface Projection {
  readonly module: string;
  readonly output: string;
  readonly outFeatures: number;
  readonly hasBias?: boolean;
  readonly role?: 'projection' | 'router';
}

export function createProgramBuilder(): ProgramBuilder {
  const modules: ModuleSpec[] = [];
  const operations: Operation[] = [];
  const values: Record<string, number> = {};

  const builder: ProgramBuilder = {
    module(spec) {
      modules.push(spec);
      return spec.name;
    },
    value(name, width) {
      values[name] ??= width;
      const known = values[name];
      if (known !== width) throw new TypeError(`value ${name} of width ${known} is used with width ${width}`);
      return name;
    },
    add: (operation) => void operations.push(operation),
    rmsNorm(module, input, output, { size, epsilon }) {
      builder.module({ kind: 'norm', name: module, size });
      operations.push({ kind: 'rms-norm', module, input, output, epsilon, size });
    },
    project(input, inFeatures, parts) {
      for (const { module: name, output, outFeatures, hasBias = false, role = 'projection' } of parts) {
        builder.module({ kind: 'linear', name, outFeatures, inFeatures, hasBias, role });
        builder.value(output, outFeatures);
      }
      operations.push({ kind: 'linear', input, parts: parts.map(({ module, output }) => ({ module, output })) });
    },
    concat(output, heads, parts) {
      builder.value(output, heads * parts.reduce((sum, { size }) => sum + size, 0));
      operations.push({ kind: 'concat', output, heads, parts });
    },
    finish: (model) => ({ ...model, values, modules, operations }),
  };
  return builder;
}
