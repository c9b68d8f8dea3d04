/** Why a record may go unchecked. Anything else is a record that someone should look at. */
export const goodReasons: readonly RegExp[] = [
  /^no KV cache of the model is quantized$/,
  /; but that is a simulation: logits_int beside it is the run of the stored values$/,
];
