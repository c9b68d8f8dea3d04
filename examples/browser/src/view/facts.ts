import type { Explanation, ModelInfo } from '@lowbit/runtime';
import { element, make } from './element.ts';
import { formatBytes } from './format.ts';

/** What was decided about the run, in a few lines; with the memory held once the model is ready. */
export function showFacts(
  { architecture, method, backend, device, numerics, bytes }: Explanation,
  info?: ModelInfo,
): void {
  const facts: readonly (readonly [string, string])[] = [
    ['computes on', device],
    ['backend', backend],
    ['model', architecture],
    ['format', info ? `${method} (${info.schemes[0]})` : method],
    ['numerics', numerics],
    ['on disk', formatBytes(bytes.stored)],
    ['weights held', formatBytes(info?.memory.weights ?? bytes.device)],
    ...(info ? [['KV cache', formatBytes(info.memory.kvCache)] as const] : []),
  ];
  element('facts', HTMLDListElement).replaceChildren(
    ...facts.map(([name, value]) => make('div', {}, make('dt', {}, name), make('dd', {}, value))),
  );
}
