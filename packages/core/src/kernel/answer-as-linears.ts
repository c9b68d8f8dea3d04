import type { Device } from '../device.ts';
import type { LinearKernel, MoeKernel } from '../kernel.ts';
import { linearsOf } from '../linears-of.ts';

/** What a kernel that runs each expert as three linears answers: whatever the kernel of its linears does. */
export function answerAsLinears<D extends Device>(
  name: string,
  linear: LinearKernel<D>,
): Omit<MoeKernel<D>, 'prepare'> {
  return {
    name,
    refuse(description, device, numerics) {
      for (const one of linearsOf(description)) {
        const refusal = linear.refuse(one, device, numerics);
        if (refusal) return { ...refusal, by: name, message: `${one.module}: ${refusal.message}` };
      }
      return undefined;
    },
    bytes: (description) => linearsOf(description).reduce((sum, one) => sum + linear.bytes(one), 0),
    approximation(description, numerics) {
      const notes = linearsOf(description).map((one) => linear.approximation?.(one, numerics));
      return notes.find((note) => note !== undefined);
    },
  };
}
