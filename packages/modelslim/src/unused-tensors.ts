import { RefusedError, type TensorRef, type UnusedRule } from '@lowbit/core';

const normCopy = /^(.*norm[^.]*)\.module\.(?:weight|bias)$/;

/** Tensors that the tool writes and no run needs. */
export const unusedTensors: readonly UnusedRule[] = [
  {
    reason: 'scales of quantized attention: it is computed unquantized',
    matches: (name) => /\.fa_[qkv]\.(?:scale|offset)$/.test(name),
  },
  {
    reason: 'a copy of a smoothed norm under the name that old engines look for',
    matches: (name, claims) => {
      const norm = normCopy.exec(name)?.[1];
      return norm !== undefined && claims.has(`${norm}.weight`) && claims.has(`${norm}.bias`);
    },
  },
  {
    reason: 'offsets of the first level of two-level scales',
    onlyZeros: true,
    matches: (name, claims) => name.endsWith('.weight_offset') && claims.has(`${name.slice(0, -7)}_scale_second`),
  },
];

/**
 * Old writers gave the smoothed norm a name of its own and left the original one beside it, for linears that were left
 * as they are. With a bias under both names, both are the smoothed one.
 * @throws RefusedError for a norm that has its bias under the other name only
 */
export function refuseSplitNorms(tensors: ReadonlyMap<string, TensorRef>): void {
  for (const name of tensors.keys()) {
    const norm = normCopy.exec(name)?.[1];
    if (norm === undefined || tensors.has(`${norm}.bias`)) continue;
    const message = `${name}: a smoothed norm beside the original ${norm} is not supported`;
    throw new RefusedError({
      message: 'the checkpoint has two norms in one place',
      refusals: [{ by: 'modelslim', code: 'NORM_MODULE', message, hint: 'export it again with a newer msModelSlim' }],
    });
  }
}
