import type { LinearDescription, LinearExecution } from './description.ts';
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
  const { kind, module, scheme, bias, decoding } = linear;
  const slice = { name: linear.module, axis, start, end, size: linear.weight.inFeatures };
  const ownBias = axis === 'out' ? bias && moved(bias, 'out', start) : start === 0 ? bias : undefined;
  return {
    kind,
    module,
    scheme,
    weight,
    ...(ownBias ? { bias: ownBias } : {}),
    ...sliceExecution(linear, slice),
    ...(decoding ? { decoding: sliceExecution(decoding, slice) } : {}),
  };
}

function sliceExecution({ activations, integer }: LinearExecution, slice: Slice): LinearExecution {
  const { name, axis, start } = slice;
  if (axis === 'out') {
    const constants = integer && {
      accumulatorBias: moved(integer.accumulatorBias, 'out', start),
      outputScale: moved(integer.outputScale, 'out', start),
    };
    return { ...(activations ? { activations } : {}), ...(constants ? { integer: constants } : {}) };
  }
  const { granularity, scale } = activations ?? {};
  if (integer || granularity?.kind === 'token' || (granularity?.kind === 'tensor' && scale?.kind === 'dynamic')) {
    throw new LayoutError(
      `${name}: activations quantized over the whole row, or with integer constants, cannot be cut along input features`,
      'Cut this module along output features.',
    );
  }
  if (granularity?.kind === 'group') checkBoundaries(granularity.size, 'a group of activations', slice);
  return activations ? { activations } : {};
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

interface Slice {
  /** Of the module, for messages. */
  readonly name: string;
  readonly axis: SliceAxis;
  readonly start: number;
  readonly end: number;
  /** Features before the cut. */
  readonly size: number;
}

function checkBoundaries(period: number, unit: string, { name, axis, start, end, size }: Slice): void {
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
