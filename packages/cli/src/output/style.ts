import { styleText } from 'node:util';
import type { Io, OutputStream } from '../io.ts';

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow';
export type Paint = (style: Style, text: string) => string;

/** Colours for a terminal; plain text elsewhere, with `NO_COLOR`, and on dumb terminals. */
export function painter(stream: OutputStream, env: Io['env']): Paint {
  const coloured = stream.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb';
  return coloured ? (style, text) => styleText(style, text, { validateStream: false }) : (_style, text) => text;
}
