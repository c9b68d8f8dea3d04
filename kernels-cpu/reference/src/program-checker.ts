import { LowbitError, type ModelProgram, type Operation } from '@lowbit/core';
import type { PreparedModule, PreparedModules } from './prepare-modules.ts';

/** Looks up what an operation names; each look-up throws LowbitError PROGRAM where something does not fit. */
export interface OperationChecker {
  readonly vocabSize: number;
  module<Kind extends PreparedModule['kind']>(name: string, kind: Kind): Extract<PreparedModule, { kind: Kind }>;
  /** A value that an earlier operation wrote; returns its width. */
  reads(name: string, width?: number): number;
  writes(name: string, width: number): void;
  require(condition: boolean, message: string): void;
}

/** Operations must be checked in the order of the program. */
export function createProgramChecker(
  { values, vocabSize }: ModelProgram,
  modules: PreparedModules,
): (operation: Operation, index: number) => OperationChecker {
  const written = new Set<string>();
  return (operation, index) => {
    const fail = (message: string): never => {
      throw new LowbitError({ code: 'PROGRAM', message: `operation ${index} (${operation.kind}): ${message}` });
    };
    const checkWidth = (name: string, width: number | undefined) => {
      const actual = values[name] ?? fail(`value ${name} has no width`);
      if (width !== undefined && actual !== width) fail(`value ${name} is ${actual} wide, needs ${width}`);
      return actual;
    };
    return {
      vocabSize,
      module<Kind extends PreparedModule['kind']>(name: string, kind: Kind) {
        const module = modules.get(name) ?? fail(`module ${name} is not described`);
        if (module.kind !== kind) fail(`module ${name} is of kind ${module.kind}, needs ${kind}`);
        return module as Extract<PreparedModule, { kind: Kind }>;
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
