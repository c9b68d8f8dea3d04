import { formatRefusal } from '@lowbit/core';
import type { Explanation, ModuleExplanation } from '@lowbit/runtime';
import { type Fact, formatFactTable } from './fact-table.ts';
import { foldNames } from './fold-names.ts';
import { count, formatBytes } from './format.ts';
import { printable } from './printable.ts';
import type { Paint } from './style.ts';
import { type Cell, type Column, formatTable } from './table.ts';

export interface ExplanationTextOptions {
  readonly paint: Paint;
  /** One row per module instead of one per run of modules that differ only in their layer. */
  readonly allModules: boolean;
}

/** An explanation as people read it: what is decided once, then the modules that share scheme, layout and kernel. */
export function formatExplanation(explanation: Explanation, options: ExplanationTextOptions): string {
  const { bytes, unused } = explanation;
  const sections = [
    formatFacts(explanation, options.paint),
    ...groupModules(explanation.modules).map((group) => formatGroup(group, options)),
  ];
  if (unused.length > 0) {
    const rows = foldNames(
      unused,
      ({ tensor }) => tensor,
      ({ reason }) => reason,
    );
    const table = formatTable(
      [{ header: 'left aside' }, { header: 'why' }],
      rows.map(({ name, items }) => [name, items[0]?.reason ?? '']),
      options,
    );
    sections.push(table);
  }
  sections.push(
    `${formatBytes(bytes.stored)} stored; on the device ${formatBytes(bytes.device)}, and ${formatBytes(bytes.kvCachePerToken)} of KV cache per token;\n${formatBytes(bytes.workspacePerToken)} more per token of a running batch\n`,
  );
  return sections.join('\n');
}

function formatFacts(explanation: Explanation, paint: Paint): string {
  const settings = Object.entries(explanation.settings).map(([name, value]) => `${name}=${value}`);
  const facts: Fact[] = [
    ['model', `${explanation.path} (${explanation.architecture})`],
    ['method', [explanation.method, ...settings].join(' ')],
    ...(explanation.aliases.length > 0 ? [['known as', explanation.aliases.join(', ')] satisfies Fact] : []),
    ['backend', `${explanation.backend} on ${explanation.device}`],
    ['numerics', explanation.numerics],
    ...explanation.backendRefusals.map((refusal) => ['not chosen', formatRefusal(refusal)] satisfies Fact),
  ];
  return formatFactTable(facts, paint);
}

function groupModules(modules: readonly ModuleExplanation[]): readonly (readonly ModuleExplanation[])[] {
  const groups = new Map<string, ModuleExplanation[]>();
  for (const module of modules) {
    const { kind, scheme, rule, layout, kernel, refusals, approximation } = module;
    const key = JSON.stringify([kind, scheme, rule, layout, kernel, refusals.map(formatRefusal), approximation]);
    const group = groups.get(key);
    if (group) group.push(module);
    else groups.set(key, [module]);
  }
  return [...groups.values()];
}

const kindNames: Readonly<Record<ModuleExplanation['kind'], string>> = {
  linear: 'linear',
  moe: 'experts',
  embedding: 'embedding',
  kvCache: 'KV cache',
  norm: 'norm',
  vector: 'vector',
};

function formatGroup(group: readonly ModuleExplanation[], { paint, allModules }: ExplanationTextOptions): string {
  const [first] = group;
  if (!first) return '';
  const title = `${kindNames[first.kind]}: ${first.scheme}`;
  const facts: Fact[] = [['stored as', first.layout]];
  if (first.rule !== undefined) facts.unshift(['because', first.rule]);
  if (first.kernel !== undefined) facts.push(['kernel', first.kernel]);
  for (const refusal of first.refusals) facts.push(['refused', formatRefusal(refusal)]);
  if (first.approximation !== undefined) facts.push(['approximates', first.approximation]);
  return [
    `${paint('bold', printable(title))} (${count(group.length, 'module')})\n`,
    formatFactTable(facts, paint, 2),
    formatModules(group, first.kind, { paint, allModules }),
  ].join('');
}

function formatModules(
  group: readonly ModuleExplanation[],
  kind: ModuleExplanation['kind'],
  { paint, allModules }: ExplanationTextOptions,
): string {
  const columns: readonly Column[] = [
    { header: 'module' },
    { header: 'count', align: 'right' },
    { header: 'stored', align: 'right' },
    { header: kind === 'kvCache' ? 'per token' : 'on device', align: 'right' },
  ];
  const rows = allModules
    ? group.map((module) => ({ name: module.module, items: [module] }))
    : foldNames(
        group,
        ({ module }) => module,
        ({ storedBytes, deviceBytes }) => `${storedBytes} ${deviceBytes}`,
      );
  const cells = rows.map(({ name, items }): Cell[] => [
    name,
    `${items.length}`,
    kind === 'kvCache' ? '-' : formatBytes(sum(items.map(({ storedBytes }) => storedBytes))),
    formatBytes(sum(items.map(({ deviceBytes }) => deviceBytes))),
  ]);
  return formatTable(columns, cells, { paint, indent: 2 });
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
