import { element } from './element.ts';
import { formatSeconds, formatSpeed } from './format.ts';

/** Tokens over which the speed of the moment is taken. */
const windowTokens = 12;

interface Point {
  readonly tokens: number;
  readonly seconds: number;
}

/** The speed of the moment as a number, its course as a line, the time to the first token as a note. */
export interface Speedometer {
  begin(): void;
  /** Tokens written and the time since the start. */
  add(point: Point): void;
  end(point: Point, ending: string): void;
}

export function createSpeedometer(): Speedometer {
  const number = element('speed', HTMLElement);
  const note = element('speed-note', HTMLElement);
  const line = element('graph', SVGSVGElement).querySelector('path')!;
  let points: Point[] = [];
  let speeds: number[] = [];

  return {
    begin() {
      points = [];
      speeds = [];
      number.textContent = '…';
      note.textContent = 'Reading the beginning.';
      line.removeAttribute('d');
    },
    add(point) {
      points.push(point);
      const first = points.at(-1 - windowTokens) ?? points[0]!;
      if (point.seconds <= first.seconds) return;
      const speed = (point.tokens - first.tokens) / (point.seconds - first.seconds);
      speeds.push(speed);
      number.textContent = formatSpeed(speed);
      note.textContent = `First token after ${formatSeconds(points[0]!.seconds)}.`;
      const highest = Math.max(...speeds) * 1.15;
      const step = 200 / Math.max(speeds.length - 1, 1);
      line.setAttribute(
        'd',
        speeds.map((value, index) => `${index ? 'L' : 'M'}${index * step} ${48 - (48 * value) / highest}`).join(''),
      );
    },
    end({ tokens, seconds }, ending) {
      const first = points[0];
      if (!first) {
        number.textContent = '–';
        note.textContent = ending;
        return;
      }
      const rest = seconds - first.seconds;
      if (tokens > 1 && rest > 0) number.textContent = formatSpeed((tokens - first.tokens) / rest);
      note.textContent = `${tokens} tokens in ${formatSeconds(seconds)}, the first after ${formatSeconds(first.seconds)}. ${ending}`;
    },
  };
}
