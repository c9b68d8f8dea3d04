import { stripVTControlCharacters, styleText } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Paint } from './style.ts';
import { type Column, formatTable } from './table.ts';

const plain: Paint = (_style, text) => text;
const coloured: Paint = (style, text) => styleText(style, text, { validateStream: false });
const columns: readonly Column[] = [{ header: 'name' }, { header: 'size', align: 'right' }];

describe('formatTable', () => {
  it('aligns columns and leaves no space at the end', () => {
    const rows = [
      ['a', '10'],
      ['longer', ''],
    ];
    expect(formatTable(columns, rows, { paint: plain, indent: 2 })).toBe('  name    size\n  a         10\n  longer\n');
  });

  it('keeps its shape with colours', () => {
    const rows = [[{ text: 'a', style: 'red' } as const, '10']];
    const table = formatTable(columns, rows, { paint: coloured });
    expect(table).toContain('\x1b[31ma\x1b[39m');
    expect(stripVTControlCharacters(table)).toBe(formatTable(columns, rows, { paint: plain }));
  });

  it('shows control characters instead of obeying them', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const table = formatTable([{ header: 'x' }], [[text]], { paint: plain });
        // biome-ignore lint/suspicious/noControlCharactersInRegex: none of these may come through
        expect(table).not.toMatch(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/);
      }),
    );
  });
});
