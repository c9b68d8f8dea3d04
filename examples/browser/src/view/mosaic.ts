import { mosaicSize } from '../protocol.ts';

const { rows } = mosaicSize;
/** Pixels of a cell, its gap included, before the screen's scale. */
const cell = 10;
const gap = 1.5;
/** Narrower than this, every second column is left out: the cells would be dust. */
const narrow = 600;
/** How far behind its head a wave still shows, in columns. */
const tail = 14;

/** The weights as a picture: a cell is a part of the file, its shade a 4-bit code from there. Each token sends a wave through. */
export interface Mosaic {
  /** Cells filled so far, from 0 to 1. */
  fill(share: number): void;
  show(codes: Uint8Array): void;
  wave(): void;
}

export function createMosaic(canvas: HTMLCanvasElement): Mosaic {
  const context = canvas.getContext('2d')!;
  const still = matchMedia('(prefers-reduced-motion: reduce)');
  const stride = canvas.clientWidth < narrow ? 2 : 1;
  const columns = mosaicSize.columns / stride;
  let codes: Uint8Array | undefined;
  let filled = 0;
  let waves: number[] = [];
  let frame = 0;
  canvas.width = columns * cell * 2;
  canvas.height = rows * cell * 2;

  function draw(now = performance.now()): void {
    frame = 0;
    const style = getComputedStyle(canvas);
    const [ink, empty, glow] = ['--mosaic', '--mosaic-empty', '--mosaic-glow'].map((name) =>
      style.getPropertyValue(name),
    );
    context.setTransform(2, 0, 0, 2, 0, 0);
    context.clearRect(0, 0, columns * cell, rows * cell);
    waves = waves.filter((start) => headOf(start, now) * columns < columns + tail);
    for (let index = 0; index < columns * rows; index++) {
      const column = index % columns;
      const row = Math.floor(index / columns);
      const place = [column * cell, row * cell, cell - gap, cell - gap] as const;
      context.globalAlpha = 1;
      context.fillStyle = empty!;
      // Columns fill from the left: the file's bytes run down each one.
      const order = column * stride * rows + row;
      if (column < filled * columns) {
        context.globalAlpha = codes ? 0.12 + (0.88 * codes[order]!) / 15 : 0.35;
        context.fillStyle = ink!;
      }
      context.fillRect(...place);
      const light = Math.max(0, ...waves.map((start) => lightAt(column, headOf(start, now) * columns)));
      if (light === 0) continue;
      context.globalAlpha = light * (codes ? 0.25 + (0.75 * codes[order]!) / 15 : 0.5);
      context.fillStyle = glow!;
      context.fillRect(...place);
    }
    if (waves.length > 0) redraw();
  }

  function redraw(): void {
    if (frame === 0) frame = requestAnimationFrame(draw);
  }

  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw);
  redraw();
  return {
    fill(share) {
      filled = share;
      redraw();
    },
    show(shown) {
      codes = shown;
      filled = 1;
      redraw();
    },
    wave() {
      // A few at a time: on a fast device the picture would only flicker.
      if (still.matches || waves.length >= 4 || performance.now() - (waves.at(-1) ?? 0) < 120) return;
      waves.push(performance.now());
      redraw();
    },
  };
}

/** How far a wave has come, in widths; it takes half a second from side to side. */
function headOf(start: number, now: number): number {
  return (now - start) / 500;
}

function lightAt(column: number, head: number): number {
  const behind = head - column;
  return behind < 0 || behind > tail ? 0 : 1 - behind / tail;
}
