/// <reference types="@webgpu/types" />
import type { ConcatOperation } from '@lowbit/core';
import { splitRows } from '../gpu/split-rows.ts';
import { unroll } from '../gpu/unroll.ts';
import type { Plan } from '../run/plan.ts';
import shader from './concat.wgsl';

/** Parts of one dispatch: with the output and the counts they fit the bindings of any device. */
const mostParts = 6;

/** Every part writes its features of every head. */
export function planConcat(
  plan: Plan,
  { heads, parts, output }: ConcatOperation,
  widthOf: (name: string) => number,
  value: (name: string) => GPUBuffer,
): void {
  const offsets: number[] = [];
  let offset = 0;
  for (const { size } of parts) {
    offsets.push(offset);
    offset += size;
  }
  for (let first = 0; first < parts.length; first += mostParts) {
    const own = parts.slice(first, first + mostParts);
    const numbered = <Entry>(name: string, entries: readonly Entry[]): Readonly<Record<string, Entry>> =>
      Object.fromEntries(entries.map((entry, index) => [`${name}${index}`, entry]));
    plan.add({
      label: 'concat',
      source: unroll(shader, { PARTS: own.length }),
      constants: { PARTS: own.length },
      sizes: {
        HEADS: heads,
        OUTPUT_WIDTH: widthOf(output),
        ...numbered(
          'START',
          own.map(({ start }) => start),
        ),
        ...numbered(
          'STRIDE',
          own.map(({ stride }) => stride),
        ),
        ...numbered(
          'SIZE',
          own.map(({ size }) => size),
        ),
        ...numbered(
          'INPUT_WIDTH',
          own.map(({ input }) => widthOf(input)),
        ),
        ...numbered('OFFSET', offsets.slice(first, first + mostParts)),
      },
      bindings: {
        counts: { buffer: plan.rows.counts, type: 'vec4u', access: 'uniform' },
        ...numbered(
          'input',
          own.map(({ input }) => ({ buffer: value(input), type: 'f32' })),
        ),
        output: { buffer: value(output), type: 'f32', access: 'write' },
      },
      workgroups: ({ rows }) => {
        const [y, z] = splitRows(rows);
        return [Math.ceil((heads * Math.max(...own.map(({ size }) => size))) / 64), y, z * own.length];
      },
    });
  }
}
