import type { DescriptionOf, ModuleDescription } from '../description.ts';
import type { ModelProgram, Operation } from '../program.ts';
import { operationError } from './program-error.ts';

/** Looks up what an operation names; each look-up throws LowbitError PROGRAM where something does not fit. */
export interface OperationChecker {
  readonly vocabSize: number;
  module<Kind extends ModuleDescription['kind']>(name: string, kind: Kind): DescriptionOf<Kind>;
  /** Features of a norm or a vector. */
  size(name: string, kind: 'norm' | 'vector'): number;
  /** A value that an earlier operation wrote; returns its width. */
  reads(name: string, width?: number): number;
  writes(name: string, width: number): void;
  require(condition: boolean, message: string): void;
}

/** Operations must be checked in the order of the program. */
export function createOperationChecker(
  { values, vocabSize, modules }: ModelProgram,
  descriptions: ReadonlyMap<string, ModuleDescription>,
): (operation: Operation, index: number) => OperationChecker {
  const specs = new Map(modules.map((spec) => [spec.name, spec]));
  const written = new Set<string>();
  return (operation, index) => {
    const fail = (message: string): never => {
      throw operationError(operation, index, message);
    };
    const checkWidth = (name: string, width: number | undefined) => {
      const actual = Object.hasOwn(values, name) ? values[name]! : fail(`value ${name} has no width`);
      if (width !== undefined && actual !== width) fail(`value ${name} is ${actual} wide, needs ${width}`);
      return actual;
    };
    const module = <Kind extends ModuleDescription['kind']>(name: string, kind: Kind): DescriptionOf<Kind> => {
      const description = (specs.has(name) && descriptions.get(name)) || fail(`module ${name} is not described`);
      if (description.kind !== kind) fail(`module ${name} is of kind ${description.kind}, needs ${kind}`);
      return description as DescriptionOf<Kind>;
    };
    return {
      vocabSize,
      module,
      size(name, kind) {
        module(name, kind);
        const spec = specs.get(name);
        return spec?.kind === 'norm' || spec?.kind === 'vector' ? spec.size : 0;
      },
      reads(name, width) {
        if (!written.has(name)) fail(`reads value ${name}, which nothing wrote before`);
        return checkWidth(name, width);
      },
      writes(name, width) {
        checkWidth(name, width);
        written.add(name);
      },
      require(condition, message) {
        if (!condition) fail(message);
      },
    };
  };
}
