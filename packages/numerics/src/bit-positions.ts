import { type Axis, type Digit, isStream, LayoutError } from '@lowbit/core';
import { linearDimensions } from './linear-words.ts';
import { checkForm, type StoredForm } from './stored-form.ts';

/**
 * The logical table that is wanted: axes in row-major order, slowest first, each with its size. An axis that is left out
 * stays at its origin.
 */
export type Extents = readonly (readonly [axis: Axis, size: number])[];

/** Where codes begin in linear bytes: the code of row r and column c at bit `rows[r] + columns[c]`. */
export interface BitPositions {
  /** One for each combination of all axes but the last, row-major. */
  readonly rows: Float64Array;
  /** One for each index of the last axis. */
  readonly columns: Float64Array;
}

/** A mixed-radix number of the layout: the index along a dimension, or the field of a word. */
interface Counter {
  /** What it counts and where, for messages. */
  readonly unit: 'index' | 'code' | 'field';
  readonly place: string;
  readonly digits: readonly Digit[];
  /** Bits from one value to the next. */
  readonly step: number;
  readonly limit: number;
}

/**
 * Every digit reads one axis, so a position is a sum of one table per axis.
 * @throws LayoutError when the form contradicts itself, or an element of `extents` lies outside the stored tensor
 */
export function bitPositions(form: StoredForm, extents: Extents): BitPositions {
  checkExtents(form, extents);
  const tables = extents.map(([, size]) => new Float64Array(size));
  let constant = 0;
  for (const counter of countersOf(form)) {
    const contributions = contributionsOf(form, counter);
    const farthest: [Axis, number][] = [];
    let largest = 0;
    extents.forEach(([axis, size], position) => {
      const contribution = contributions.get(axis);
      contributions.delete(axis);
      let most = 0;
      let where = 0;
      const table = tables[position]!;
      for (let index = 0; contribution && index < size; index += 1) {
        const value = contribution(index);
        if (value > most) {
          most = value;
          where = index;
        }
        table[index]! += value * counter.step;
      }
      largest += most;
      farthest.push([axis, where]);
    });
    for (const contribution of contributions.values()) {
      largest += contribution(0);
      constant += contribution(0) * counter.step;
    }
    if (largest >= counter.limit && extents.every(([, size]) => size > 0)) {
      throw outside(form, counter, largest, farthest);
    }
  }
  const columns = tables.pop() ?? new Float64Array(1);
  return { rows: tables.reduce(sums, Float64Array.of(constant)), columns };
}

/** How many indices of `axis`, from its origin on, the stored tensor reaches; Infinity where the axis plays no part. */
export function capacityAlong(form: StoredForm, axis: Axis): number {
  let capacity = Number.POSITIVE_INFINITY;
  for (const counter of countersOf(form)) {
    const grows = counter.digits.some((digit) => digit.axis === axis && digit.modulo === undefined);
    if (!grows) continue;
    const contribution = contributionsOf(form, counter).get(axis)!;
    let index = 0;
    while (index < capacity && contribution(index) < counter.limit) index += 1;
    capacity = index;
  }
  return capacity;
}

function countersOf(form: StoredForm): Counter[] {
  const { code, word } = checkForm(form);
  const { axes, packed } = form.layout;
  const counters: Counter[] = [];
  let step = word;
  for (const [dimension, size] of [...linearDimensions(form)].reverse()) {
    const digits = axes[dimension]!;
    if (packed && isStream(packed) && packed.stream === dimension) {
      const limit = Math.floor((size * word) / code);
      counters.push({ unit: 'code', place: ` of dimension ${dimension}`, digits, step: code, limit });
    } else {
      counters.push({ unit: 'index', place: ` of dimension ${dimension}`, digits, step, limit: size });
    }
    step *= size;
  }
  if (packed && !isStream(packed)) {
    counters.push({ unit: 'field', place: '', digits: packed.fields, step: code, limit: Math.floor(word / code) });
  }
  return counters;
}

/** What each axis adds to a counter, by its index: the digits that read it, each times the moduli of the digits after it. */
function contributionsOf(form: StoredForm, { unit, place, digits }: Counter): Map<Axis, (index: number) => number> {
  let factor = 1;
  const factors = digits.map(() => 0);
  for (let position = digits.length - 1; position >= 0; position -= 1) {
    const { divide, modulo } = digits[position]!;
    factors[position] = factor;
    if (!isPositive(divide) || (modulo !== undefined && !isPositive(modulo))) {
      throw new LayoutError(`${form.ref.name}: ${unit}${place} divides by ${divide}, modulo ${modulo ?? 'nothing'}`);
    }
    if (modulo === undefined && position > 0) {
      throw new LayoutError(`${form.ref.name}: ${unit}${place} has a digit without modulo after its first`);
    }
    factor *= modulo ?? 1;
  }
  const contributions = new Map<Axis, (index: number) => number>();
  digits.forEach(({ axis, divide, modulo }, position) => {
    const first = form.origin?.[axis] ?? 0;
    const times = factors[position]!;
    const before = contributions.get(axis);
    // Whole numbers below 2^53: what a quotient is rounded by does not reach the next whole number.
    const value = (index: number) => {
      const quotient = Math.floor((first + index) / divide);
      return (modulo === undefined ? quotient : quotient - Math.floor(quotient / modulo) * modulo) * times;
    };
    contributions.set(axis, before ? (index) => before(index) + value(index) : value);
  });
  return contributions;
}

function checkExtents({ ref, origin }: StoredForm, extents: Extents): void {
  const axes = extents.map(([axis]) => axis);
  if (new Set(axes).size < axes.length) throw new LayoutError(`${ref.name}: an axis is asked for twice: ${axes}`);
  for (const [axis, size] of [...extents, ...Object.entries(origin ?? {})]) {
    if (!Number.isSafeInteger(size) || size < 0)
      throw new LayoutError(`${ref.name}: ${size} is no size of axis ${axis}`);
  }
}

function isPositive(value: number): boolean {
  return Number.isSafeInteger(value) && value > 0;
}

function outside(
  form: StoredForm,
  { unit, place, limit }: Counter,
  value: number,
  element: [Axis, number][],
): LayoutError {
  const { ref, origin } = form;
  const indices = element.map(([axis, index]) => `${axis} ${index + (origin?.[axis] ?? 0)}`).join(', ');
  return new LayoutError(
    `${ref.name}: element (${indices}) is at ${unit} ${value}${place}, outside 0..${limit - 1} of ${ref.dtype} [${ref.shape.join(', ')}]`,
  );
}

function sums(left: Float64Array, right: Float64Array): Float64Array {
  const all = new Float64Array(left.length * right.length);
  left.forEach((base, row) => {
    right.forEach((offset, column) => {
      all[row * right.length + column] = base + offset;
    });
  });
  return all;
}
