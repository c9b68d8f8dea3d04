import { LowbitError, type QuantizedWeight, type SliceAxis, sliceWeight } from '@lowbit/core';
import { dequantizeWeight, type ReadTensor } from '@lowbit/numerics';

/** The first place where a weight may be cut in two, and what is wrong with the halves. */
export interface SliceCheck {
  /** Undefined: one word or one group spans the whole axis. */
  readonly cut: number | undefined;
  readonly problems: readonly string[];
}

/** Dequantizes the parts of a weight and compares them with the same parts of the whole. */
export function checkSlices(weight: QuantizedWeight, axis: SliceAxis, read: ReadTensor): SliceCheck {
  const size = axis === 'out' ? weight.outFeatures : weight.inFeatures;
  const whole = dequantizeWeight(weight, read);
  for (let cut = 1; cut < size; cut++) {
    const halves = cutAt(weight, axis, cut, size);
    if (!halves) continue;
    const problems = halves.flatMap(({ start, part }) => {
      const values = dequantizeWeight(part, read);
      const expected = partOf(whole, weight, part, axis, start);
      const index = values.findIndex((value, at) => !Object.is(value, expected[at]));
      if (values.length === expected.length && index < 0) return [];
      const found = `${values[index]} where the whole has ${expected[index]}`;
      return [`${axis} features from ${start}: element ${index} is ${found}`];
    });
    return { cut, problems };
  }
  return { cut: undefined, problems: [] };
}

function cutAt(weight: QuantizedWeight, axis: SliceAxis, cut: number, size: number) {
  try {
    return [
      { start: 0, part: sliceWeight(weight, axis, 0, cut, 'weight') },
      { start: cut, part: sliceWeight(weight, axis, cut, size, 'weight') },
    ];
  } catch (error) {
    if (LowbitError.isInstance(error) && error.code === 'LAYOUT') return undefined;
    throw error;
  }
}

function partOf(
  whole: Float32Array,
  { inFeatures }: QuantizedWeight,
  part: QuantizedWeight,
  axis: SliceAxis,
  start: number,
): Float32Array {
  const [row, column] = axis === 'out' ? [start, 0] : [0, start];
  const rows = Array.from({ length: part.outFeatures }, (_, o) => {
    const first = (row + o) * inFeatures + column;
    return whole.subarray(first, first + part.inFeatures);
  });
  const values = new Float32Array(part.outFeatures * part.inFeatures);
  rows.forEach((one, o) => {
    values.set(one, o * part.inFeatures);
  });
  return values;
}
