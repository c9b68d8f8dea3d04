import { printable } from './printable.ts';
import type { Paint } from './style.ts';

/** A name and what is so: the lines above a table. */
export type Fact = readonly [name: string, value: string];

/** Dim names in a column, values beside them; each line ends with a newline. */
export function formatFactTable(facts: readonly Fact[], paint: Paint, indent = 0): string {
  const width = Math.max(0, ...facts.map(([name]) => name.length));
  return facts
    .map(([name, value]) => `${' '.repeat(indent)}${paint('dim', name.padEnd(width))}  ${printable(value)}\n`)
    .join('');
}
