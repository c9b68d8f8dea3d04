import type { LinearDescription } from './description.ts';
import { LayoutError } from './errors/layout-error.ts';
import { type Axis, type Stored, wordPeriod } from './layout.ts';
import type { Blocked, QuantizedWeight } from './quantized-weight.ts';

export type SliceAxis = 'out' | 'in';

/**
 * A range of a linear's output or input features, as tensor parallelism cuts it. Nothing is read or moved. A slice along
 * `in` yields partial sums: the bias stays with the part that begins at 0.
 * @throws LayoutError when a boundary falls inside a block of scales or inside a stored word, naming the numbers
 */
export function sliceLinear(linear: LinearDescription, axis: SliceAxis, start: number, end: number): LinearDescription {
  const weight = sliceWeight(linear.weight, axis, start, end, linear.module);
  const { bias, integer, ...rest } = linear;
  if (axis === 'in') {
    const { granularity, scale } = linear.activations ?? {};
    if (integer || granularity?.kind === 'token' || (granularity?.kind === 'tensor' && scale?.kind === 'dynamic')) {
      throw new LayoutError(
        `${linear.module}: activations quantized over the whole row, or with integer constants, cannot be cut along input features`,
        'Cut this module along output features.',
      );
    }
    if (granularity?.kind === 'group') {
      const slice = { name: linear.module, axis, start, end, size: linear.weight.inFeatures };
      checkBoundaries(granularity.size, 'a group of activations', slice);
    }
    return { ...rest, weight, ...(bias && start === 0 ? { bias } : {}) };
  }
  return {
    ...rest,
    weight,
    ...(bias ? { bias: moved(bias, 'out', start) } : {}),
    ...(integer
      ? {
          integer: {
            accumulatorBias: moved(integer.accumulatorBias, 'out', start),
            outputScale: moved(integer.outputScale, 'out', start),
          },
        }
      : {}),
  };
}

/** The weight of `sliceLinear`. `name` is for messages. */
export function sliceWeight(
  weight: QuantizedWeight,
  axis: SliceAxis,
  start: number,
  end: number,
  name: string,
): QuantizedWeight {
  const size = axis === 'out' ? weight.outFeatures : weight.inFeatures;
  if (!(Number.isInteger(start) && Number.isInteger(end) && 0 <= start && start < end && end <= size)) {
    throw new LayoutError(`${name}: slice ${start}..${end} of ${size} ${axis} features`);
  }
  const period = wordPeriod(weight.codes.layout, axis);
  checkBoundaries(period, 'a stored word', { name, axis, start, end, size });

  const cut = <Table extends Blocked>(table: Table): Table => {
    const blockSize = table.block[axis === 'out' ? 0 : 1];
    const covered = blockSize >= size;
    if (covered || (axis === 'in' && table.indexed)) return table;
    checkBoundaries(blockSize, 'a block of scales', { name, axis, start, end, size });
    return moved(table, axis, start / blockSize);
  };
  const { zero, shift, groupIndex, ...rest } = weight;
  return {
    ...rest,
    [axis === 'out' ? 'outFeatures' : 'inFeatures']: end - start,
    codes: moved(weight.codes, axis, start),
    scales: weight.scales.map(cut),
    ...(zero ? { zero: cut(zero) } : {}),
    ...(shift ? { shift: cut(shift) } : {}),
    ...(groupIndex ? { groupIndex: axis === 'in' ? moved(groupIndex, 'in', start) : groupIndex } : {}),
  };
}

function checkBoundaries(
  period: number,
  unit: string,
  slice: { name: string; axis: SliceAxis; start: number; end: number; size: number },
): void {
  const { name, axis, start, end, size } = slice;
  for (const boundary of [start, end]) {
    if (boundary % period !== 0 && boundary !== size) {
      throw new LayoutError(
        `${name}: boundary ${boundary} of ${size} ${axis} features falls inside ${unit} of ${period}`,
        `Use a number of shards that cuts at multiples of ${period}.`,
      );
    }
  }
}

function moved<T extends Stored>(stored: T, axis: Axis, by: number): T {
  return by === 0 ? stored : { ...stored, origin: { ...stored.origin, [axis]: (stored.origin?.[axis] ?? 0) + by } };
}
