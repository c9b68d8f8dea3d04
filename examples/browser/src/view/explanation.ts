import type { Explanation } from '@lowbit/runtime';
import { element, make } from './element.ts';
import { formatBytes } from './format.ts';

type Module = Explanation['modules'][number];

/** What `explain` knows: a bar per layer, its parts as wide as their bytes, and a table of all modules. */
export function showExplanation({ modules }: Explanation): void {
  const stored = modules.filter(({ kind }) => kind !== 'kvCache');
  const schemes = [...new Set(stored.map(({ scheme }) => scheme))].sort(
    (a, b) => bytesOf(stored, b) - bytesOf(stored, a),
  );
  const colour = (module: Module) => `scheme-${schemes.indexOf(module.scheme)}`;
  element('legend', HTMLUListElement).replaceChildren(
    ...schemes.map((scheme, index) =>
      make('li', { className: `scheme-${index}` }, make('b', {}, scheme), ` ${formatBytes(bytesOf(stored, scheme))}`),
    ),
  );
  const layers = groupByLayer(stored);
  const widest = Math.max(...[...layers.values()].map((layer) => sum(layer)));
  element('layers', HTMLOListElement).replaceChildren(
    ...[...layers].map(([name, layer]) => {
      const bar = make('span', { className: 'bar' });
      bar.style.width = `${(100 * sum(layer)) / widest}%`;
      for (const module of layer) {
        const part = make('i', { className: colour(module), title: `${module.module}: ${describe(module)}` });
        part.style.flexGrow = String(module.storedBytes);
        bar.append(part);
      }
      return make(
        'li',
        {},
        make('span', { className: 'name' }, name),
        make('span', { className: 'track' }, bar),
        make('span', { className: 'number' }, formatBytes(sum(layer))),
      );
    }),
  );
  element('modules', HTMLTableSectionElement).replaceChildren(
    ...modules.map((module) => {
      const name = make('th', {}, module.module);
      name.scope = 'row';
      return make(
        'tr',
        {},
        name,
        make('td', {}, module.scheme),
        make('td', {}, module.kernel ?? 'every backend’s own'),
        make('td', {}, module.layout),
        make('td', { className: 'number' }, module.kind === 'kvCache' ? '' : formatBytes(module.storedBytes)),
        make(
          'td',
          { className: 'number' },
          formatBytes(module.deviceBytes) + (module.kind === 'kvCache' ? ' a token' : ''),
        ),
      );
    }),
  );
  element('explanation', HTMLElement).hidden = false;
}

function describe({ scheme, layout, kernel, storedBytes }: Module): string {
  return [scheme, layout, kernel, formatBytes(storedBytes)].filter((part) => part !== undefined).join(', ');
}

/** `model.layers.3.mlp.up_proj` belongs to layer 3; the rest stands for itself. */
function groupByLayer(modules: readonly Module[]): Map<string, Module[]> {
  const layers = new Map<string, Module[]>();
  for (const module of modules) {
    const [, layer] = /\.layers\.(\d+)\./.exec(module.module) ?? [];
    const name = layer === undefined ? module.module.replace(/^model\./, '') : `layer ${layer}`;
    layers.set(name, [...(layers.get(name) ?? []), module]);
  }
  return layers;
}

function bytesOf(modules: readonly Module[], scheme: string): number {
  return sum(modules.filter((module) => module.scheme === scheme));
}

function sum(modules: readonly Module[]): number {
  return modules.reduce((total, { storedBytes }) => total + storedBytes, 0);
}
