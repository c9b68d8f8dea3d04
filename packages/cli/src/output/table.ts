import { printable } from './printable.ts';
import type { Paint, Style } from './style.ts';

export interface Column {
  readonly header: string;
  readonly align?: 'left' | 'right';
}

/** Plain text, or text with a style; control characters are made visible. */
export type Cell = string | { readonly text: string; readonly style: Style };

export interface TableOptions {
  readonly paint: Paint;
  /** Spaces before each line. Default 0. */
  readonly indent?: number;
}

/** Columns as wide as their widest cell, two spaces apart, a dim header; each line ends with a newline. */
export function formatTable(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  { paint, indent = 0 }: TableOptions,
): string {
  const lines: readonly (readonly Cell[])[] = [
    columns.map(({ header }) => ({ text: header, style: 'dim' as const })),
    ...rows,
  ];
  const widths = columns.map((_, index) => Math.max(...lines.map((cells) => widthOf(textOf(cells[index])))));
  return lines
    .map((cells) => {
      const padded = columns.map(({ align = 'left' }, index) => {
        const cell = cells[index] ?? '';
        const text = textOf(cell);
        const space = ' '.repeat((widths[index] ?? 0) - widthOf(text));
        const styled = typeof cell === 'string' ? text : paint(cell.style, text);
        return align === 'left' ? styled + space : space + styled;
      });
      return `${' '.repeat(indent)}${padded.join('  ').trimEnd()}\n`;
    })
    .join('');
}

function textOf(cell: Cell | undefined): string {
  return printable(typeof cell === 'object' ? cell.text : (cell ?? ''));
}

function widthOf(text: string): number {
  return [...text].length;
}
