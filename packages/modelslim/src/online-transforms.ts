import { isJsonObject, type JsonObject, type Refusal, RefusedError, type TensorRef } from '@lowbit/core';

interface Transform {
  readonly tensors: RegExp;
  readonly code: string;
  readonly what: string;
}

/** Tensors that change what a module computes at run time. Those of QuaRot have no entry in the description. */
const transforms: readonly Transform[] = [
  {
    tensors: /\.(?:heads_rotation|kronecker_rotation_[mn])$/,
    code: 'QUAROT',
    what: "QuaRot's rotation of activations at run time",
  },
  {
    tensors: /\.(?:left_trans|right_trans|clip_ratio)$/,
    code: 'FLATQUANT',
    what: "FlatQuant's transform of activations",
  },
  { tensors: /\.div\.mul_scale$/, code: 'NON_FUSION_SMOOTH', what: 'smoothing by a factor per input feature' },
  { tensors: /\.svd_lowrank_l[12]$/, code: 'SVD', what: 'a low-rank part beside the quantized weight' },
];

/**
 * Rotations that were multiplied into the weights need nothing at run time; these do.
 * @throws RefusedError naming the first tensor of each kind
 */
export function refuseTransforms(tensors: ReadonlyMap<string, TensorRef>, file: string, description: JsonObject): void {
  const names = [...tensors.keys()];
  const refusals = transforms.flatMap(({ tensors: pattern, code, what }): Refusal[] => {
    const tensor = names.find((name) => pattern.test(name));
    return tensor === undefined ? [] : [{ by: 'modelslim', code, message: `${tensor}: ${what} is not supported yet` }];
  });
  const rotated = rotatedLayers(description);
  if (rotated.length > 0 && refusals.every(({ code }) => code !== 'QUAROT')) {
    const message = `${file}: metadata.quarot rotates activations of ${rotated[0]} at run time, which is not supported yet`;
    refusals.push({ by: 'modelslim', code: 'QUAROT', message });
  }
  if (refusals.length > 0) throw new RefusedError({ message: 'the checkpoint transforms activations', refusals });
}

/** `metadata.quarot.{heads_rotation,kronecker_rotation}.layers`: prefixes that end with a dot. */
function rotatedLayers({ metadata }: JsonObject): readonly string[] {
  const quarot = isJsonObject(metadata) ? metadata.quarot : undefined;
  if (!isJsonObject(quarot)) return [];
  return [quarot.heads_rotation, quarot.kronecker_rotation].flatMap((rotation) => {
    const layers = isJsonObject(rotation) ? rotation.layers : undefined;
    return Array.isArray(layers) ? layers.map((layer) => String(layer).replace(/\.$/, '')) : [];
  });
}
