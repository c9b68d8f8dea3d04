import { RefusedError } from '@lowbit/core';
import { expect, it } from 'vitest';
import { refuseTransforms } from './online-transforms.ts';
import { checkpointOf, tensor } from './test-support/checkpoint.ts';

const o = 'model.layers.0.self_attn.o_proj';
const refuse = (names: readonly string[], description = {}) =>
  refuseTransforms(
    checkpointOf(Object.fromEntries(names.map((name) => [name, tensor('F32', [2])]))).tensors,
    'd.json',
    description,
  );

it.each([
  [`${o}.heads_rotation`, "QuaRot's rotation of activations at run time is not supported yet"],
  [`${o}.kronecker_rotation_m`, "QuaRot's rotation of activations at run time is not supported yet"],
  [`${o}.left_trans`, "FlatQuant's transform of activations is not supported yet"],
  [`${o}.div.mul_scale`, 'smoothing by a factor per input feature is not supported yet'],
  [`${o}.svd_lowrank_l1`, 'a low-rank part beside the quantized weight is not supported yet'],
])('refuses %s', (name, what) => {
  expect(() => refuse([`${o}.weight`, name])).toThrow(RefusedError);
  expect(() => refuse([`${o}.weight`, name])).toThrow(`modelslim: ${name}: ${what}`);
});

it('refuses rotations that only the description names', () => {
  const metadata = { quarot: { heads_rotation: { layers: ['model.layers.0.self_attn.'] } } };
  expect(() => refuse([], { metadata })).toThrow(
    'd.json: metadata.quarot rotates activations of model.layers.0.self_attn at run time, which is not supported yet',
  );
});

it('lets rotations pass that are inside the weights', () => {
  const metadata = { quarot: { max_tp_size: 4, heads_rotation: { layers: [] }, kronecker_rotation: null } };
  expect(() => refuse([`${o}.weight`], { metadata })).not.toThrow();
  expect(() => refuse([], { metadata: { quarot: 1 } })).not.toThrow();
});
