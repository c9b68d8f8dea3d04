import { LowbitError } from '../errors/lowbit-error.ts';
import type { Operation } from '../program.ts';

/** A program that cannot run as it is: a mistake of whoever wrote it, not of a user. */
export function programError(message: string): LowbitError {
  return new LowbitError({ code: 'PROGRAM', message });
}

export function operationError({ kind }: Pick<Operation, 'kind'>, index: number, message: string): LowbitError {
  return programError(`operation ${index} (${kind}): ${message}`);
}

/**
 * For the end of a backend's `switch` over kinds of operations: a kind that core has gained since fails to compile there,
 * and throws where backend and core are of different versions.
 * @throws LowbitError PROGRAM
 */
export function unknownOperation(operation: never, index: number): never {
  const { kind } = operation as Operation;
  throw operationError({ kind }, index, `${kind} is not an operation of this backend`);
}
