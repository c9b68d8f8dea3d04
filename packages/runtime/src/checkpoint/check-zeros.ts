import { elementTypeOf, TensorError, type UnusedRule } from '@lowbit/core';
import { decodeElements } from '@lowbit/numerics';
import type { Checkpoint } from './read-checkpoint.ts';

/**
 * Reads the tensors that were left aside on condition that they are all zero.
 * @throws TensorError TENSOR_DATA for one that is not
 */
export async function checkZeros(
  { metadata, bytes }: Checkpoint,
  unused: ReadonlyMap<string, UnusedRule>,
): Promise<void> {
  for (const [name, { onlyZeros, reason }] of unused) {
    const ref = metadata.tensors.get(name);
    if (!onlyZeros || !ref) continue;
    const value = decodeElements(await bytes.read(ref), elementTypeOf(ref.dtype)).find((element) => element !== 0);
    if (value === undefined) continue;
    throw new TensorError({
      code: 'TENSOR_DATA',
      tensor: name,
      expected: `zeros only, as it is left aside: ${reason}`,
      actual: String(value),
    });
  }
}
