/** Why modules of a type are not read. */
interface RefusedType {
  readonly code: string;
  readonly reason: string;
}

/** Types whose tensors are plain floats. `W16A16S` stores the zeros of its sparse weights like any number. */
export const floatTypes: readonly string[] = ['FLOAT', 'W16A16S'];

/** Types of tensors that stand beside a module's weight and do not belong to it: KV cache and attention. */
export const attachedTypes: readonly string[] = ['C8', 'FAQuant', 'FAKQuant'];

const refusedTypes: Readonly<Record<string, RefusedType>> = {
  NF4: { code: 'NF4', reason: 'its table of 16 values is not supported' },
  W8A8S: { code: 'SPARSE', reason: 'sparse weights of the Ascend 310P, whose layout is not public' },
  W8A8SC: { code: 'COMPRESSED', reason: 'weights compressed for one chip, the Ascend 310P' },
  W16A16SC: { code: 'COMPRESSED', reason: 'weights compressed for one chip, the Ascend 310P' },
  W8A8_TIMESTEP: {
    code: 'TIMESTEP',
    reason: 'activation scales per diffusion time step have no place in a language model',
  },
};

const flatQuant: RefusedType = {
  code: 'FLATQUANT',
  reason: 'FlatQuant transforms activations by matrices in the file, which is not supported yet',
};
const svd: RefusedType = {
  code: 'SVD',
  reason: 'the low-rank part beside the quantized weight is not supported yet',
};

/** FlatQuant and SVD put their names inside another type's: `W4A4_FLATQUANT_DYNAMIC`, `W4A4_MXFP4_SVD`. */
export function refusedType(type: string): RefusedType | undefined {
  if (/_FLATQUANT(_|$)/.test(type)) return flatQuant;
  if (/_SVD(_|$)/.test(type)) return svd;
  return Object.hasOwn(refusedTypes, type) ? refusedTypes[type] : undefined;
}
