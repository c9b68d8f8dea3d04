import { type ActivationQuantization, integerRange, isFloat } from '@lowbit/core';

interface LinearRun {
  readonly rows: number;
  /** `[rows, in]` */
  readonly x: Float32Array;
  /** `[rows, out]`, both. */
  readonly computed: Float32Array;
  readonly recorded: Float32Array;
  /** `[out, in]` */
  readonly weight: Float32Array;
  readonly activations: ActivationQuantization | undefined;
}

export interface SettledRun {
  /** The computed rows, as they are where a code at a tie is taken the other way. */
  readonly values: Float32Array;
  /** Rows in which one was. */
  readonly flippedRows: readonly number[];
}

/**
 * A scale of `amax / 127.5` puts the input `-amax` halfway between the codes -127 and -128, and the last bit of a division
 * decides: two right implementations may differ there, and only there. Each such input moves its row by exactly
 * `scale * weight[:, i]`, so a row either agrees after that step, or is wrong.
 * @returns undefined where the scheme has no such tie
 */
export function settleTies({ rows, x, computed, recorded, weight, activations }: LinearRun): SettledRun | undefined {
  if (!activations || !hasTie(activations)) return undefined;
  const { granularity, scale } = activations;
  const { divisor } = scale;
  const inFeatures = x.length / rows;
  const outFeatures = computed.length / rows;
  const groupSize = granularity.kind === 'group' ? granularity.size : inFeatures;
  const values = computed.slice();
  const flippedRows: number[] = [];

  for (let row = 0; row < rows; row++) {
    const input = x.subarray(row * inFeatures, (row + 1) * inFeatures);
    const expected = recorded.subarray(row * outFeatures, (row + 1) * outFeatures);
    const actual = values.subarray(row * outFeatures, (row + 1) * outFeatures);
    let moved = false;
    for (let start = 0; start < inFeatures; start += groupSize) {
      const group = input.subarray(start, start + groupSize);
      const amax = group.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
      if (amax === 0) continue;
      for (const [i, value] of group.entries()) {
        if (value !== -amax) continue;
        const column = Float32Array.from(
          expected,
          (_, out) => weight[out * inFeatures + start + i]! * (amax / divisor),
        );
        moved = moveTowards(expected, actual, column) || moved;
      }
    }
    if (moved) flippedRows.push(row);
  }
  return { values, flippedRows };
}

type TiedActivations = ActivationQuantization & { readonly scale: { readonly kind: 'dynamic' } };

/** The codes on both sides of the tie exist, as -127 and -128 do; 128 does not. */
function hasTie(activations: ActivationQuantization): activations is TiedActivations {
  const { type, scale } = activations;
  if (isFloat(type) || scale.kind !== 'dynamic' || !scale.symmetric) return false;
  return integerRange(type)[0] === -(scale.divisor + 0.5);
}

/** Adds or subtracts the step where that brings the row nearer to the recorded one. */
function moveTowards(expected: Float32Array, actual: Float32Array, step: Float32Array): boolean {
  const distance = (factor: number) =>
    expected.reduce(
      (largest, value, out) => Math.max(largest, Math.abs(value - actual[out]! - factor * step[out]!)),
      0,
    );
  const stay = distance(0);
  const factor = [1, -1].find((candidate) => distance(candidate) < stay);
  if (factor === undefined) return false;
  for (let out = 0; out < actual.length; out++) actual[out]! += factor * step[out]!;
  return true;
}
