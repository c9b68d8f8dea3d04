import type { CompileRequest } from '../backend.ts';
import { checkOperation } from './check-operation.ts';
import { createOperationChecker } from './operation-checker.ts';
import { programError } from './program-error.ts';

/**
 * Checks that a program can run: every module has a description of its kind and a kernel, and every operation finds
 * modules and values of the sizes that it needs, written before they are read. For the start of a backend's `compile`:
 * nothing after it has to look again, and no weight is read for a program that is wrong.
 * @throws LowbitError PROGRAM naming the module or the operation
 */
export function checkProgram({
  program,
  descriptions,
  selections,
}: Pick<CompileRequest, 'program' | 'descriptions' | 'selections'>): void {
  for (const { name, kind } of program.modules) {
    const description = descriptions.get(name);
    if (description?.kind !== kind) {
      const found = description ? `one of kind ${description.kind}` : 'none';
      throw programError(`module ${name}: expected a description of kind ${kind}, found ${found}`);
    }
    if (kind !== 'norm' && kind !== 'vector' && !selections.has(name)) {
      throw programError(`module ${name}: no kernel was selected`);
    }
  }
  const checkerOf = createOperationChecker(program, descriptions);
  for (const [index, operation] of program.operations.entries()) {
    checkOperation(operation, index, checkerOf(operation, index));
  }
}
