import { expect, it } from 'vitest';
import { countCores } from './physical-cores.ts';

const processor = (package_: number, core: number) =>
  `processor\t: 0\nphysical id\t: ${package_}\ncore id\t\t: ${core}\n`;

it('counts threads of one core once, and cores of each package', () => {
  expect(countCores([processor(0, 0), processor(0, 0), processor(0, 1), processor(1, 0)].join('\n'))).toBe(3);
});

it('counts none where the system does not name cores', () => {
  expect(countCores('processor\t: 0\nBogoMIPS\t: 50.00\n')).toBe(0);
});
