import type { Operation } from '@lowbit/core';

interface Uses {
  readonly reads: readonly string[];
  readonly writes: readonly string[];
}

/** The values that an operation reads and writes. */
function usesOf(operation: Operation): Uses {
  switch (operation.kind) {
    case 'embedding':
      return { reads: [], writes: [operation.output] };
    case 'rms-norm':
      return { reads: [operation.input], writes: [operation.output] };
    case 'concat':
      return { reads: operation.parts.map(({ input }) => input), writes: [operation.output] };
    case 'linear':
      return { reads: [operation.input], writes: operation.parts.map(({ output }) => output) };
    case 'rope':
      return { reads: operation.values, writes: operation.values };
    case 'attention':
      return { reads: [operation.query, operation.key, operation.value], writes: [operation.output] };
    case 'silu-mul':
      return { reads: [operation.gate, operation.up], writes: [operation.output] };
    case 'moe':
      return { reads: [operation.input, operation.routerLogits], writes: [operation.output] };
    case 'sigmoid-mul':
      return { reads: [operation.gate, operation.input], writes: [operation.output] };
    case 'add':
      return { reads: [operation.left, operation.right], writes: [operation.output] };
    case 'logits':
      return { reads: [operation.input], writes: [] };
  }
}

/** Whether an operation from `start` on reads the value as it is before that. */
export function isReadFrom(operations: readonly Operation[], start: number, value: string): boolean {
  for (let index = start; index < operations.length; index++) {
    const { reads, writes } = usesOf(operations[index]!);
    if (reads.includes(value)) return true;
    if (writes.includes(value)) return false;
  }
  return false;
}
