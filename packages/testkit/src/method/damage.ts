import { type DType, LowbitError, type QuantizationMethod, type TensorRef } from '@lowbit/core';
import { describeCheckpoint } from './describe-checkpoint.ts';
import type { LoadedFixture } from './method-fixture.ts';

type Tensors = ReadonlyMap<string, TensorRef>;

/** One way to spoil a tensor of a checkpoint. */
export type Damage = (tensors: Tensors, name: string) => Tensors;

export const damages = {
  removed: (tensors, name) => new Map([...tensors].filter(([other]) => other !== name)),
  renamed: (tensors, name) => {
    const renamed = `${name}_renamed`;
    return new Map(
      [...tensors].map(([other, ref]) => (other === name ? [renamed, { ...ref, name: renamed }] : [other, ref])),
    );
  },
  // A single number may stand in a tensor of shape [] or [1].
  reshaped: (tensors, name) =>
    replaced(tensors, name, ({ shape }) => ({ shape: shape.length === 0 ? [1, 1] : [...shape, 1] })),
  grown: (tensors, name) =>
    replaced(tensors, name, ({ shape: [first = 1, ...rest] }) => ({ shape: [first + 1, ...rest] })),
  retyped: (tensors, name) => replaced(tensors, name, ({ dtype }) => ({ dtype: otherDType(dtype) })),
} as const satisfies Readonly<Record<string, Damage>>;

/**
 * For each tensor whose damage goes unnoticed, or is reported without its name: what happened instead. A warning that
 * names it notices it too: some formats allow for a tensor that is not there.
 */
export function damageProblems(method: QuantizationMethod, fixture: LoadedFixture, damage: Damage): readonly string[] {
  const { metadata, modules } = fixture;
  return [...metadata.tensors.keys()].flatMap((name) => {
    try {
      const damaged = { ...metadata, tensors: damage(metadata.tensors, name) };
      const { warnings } = describeCheckpoint(method, damaged, modules);
      if (warnings.some((warning) => warning.includes(name))) return [];
    } catch (error) {
      const { message } = error as Error;
      if (!LowbitError.isInstance(error)) return [`${name}: no error of lowbit's own: ${message}`];
      return message.includes(name) ? [] : [`${name}: is not named in the error: ${message}`];
    }
    return [`${name}: nothing noticed`];
  });
}

function replaced(tensors: Tensors, name: string, change: (ref: TensorRef) => Partial<TensorRef>): Tensors {
  return new Map([...tensors].map(([other, ref]) => [other, other === name ? { ...ref, ...change(ref) } : ref]));
}

/** No format stores floats as booleans, or codes as doubles. */
function otherDType(dtype: DType): DType {
  return dtype.startsWith('F') || dtype.startsWith('BF') ? 'BOOL' : 'F64';
}
