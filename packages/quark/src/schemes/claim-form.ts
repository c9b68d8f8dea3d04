import { elementTypeOf, type Stored, type TensorClaims } from '@lowbit/core';
import { asVector, type TensorForm } from '../quark-layout.ts';

/** Claims a tensor of this form; one number may also stand in a tensor of shape `[1]`. */
export function claimForm(tensors: TensorClaims, name: string, form: TensorForm): Stored {
  const single = form.shape.length === 0 && tensors.peek(name)?.shape.length === 1;
  const { dtype, shape, layout, type } = single ? asVector(form) : form;
  const ref = tensors.claim(name, { dtype, shape });
  return { ref, type: type ?? elementTypeOf(ref.dtype), layout };
}
