import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FormatVariant } from '@lowbit/core';
import { expect, it } from 'vitest';
import { type MethodPackage, methodPackages } from './method-packages.ts';
import { root } from './workspace.ts';

const packages = await methodPackages();

it('docs/formats.md says what the methods declare (pnpm docs:formats brings it up to date)', async () => {
  const page = [introduction, ...packages.map(section)].join('\n');
  await expect(page).toMatchFileSnapshot(join(root, 'docs/formats.md'));
});

it('README.md counts what docs/formats.md lists (pnpm docs:formats brings it up to date)', async () => {
  const readme = join(root, 'README.md');
  const block = /(<!-- formats: begin -->\n)[\s\S]*?(<!-- formats: end -->)/;
  const text = readFileSync(readme, 'utf8');
  expect(text).toMatch(block);
  await expect(
    text.replace(block, (_, begin: string, end: string) => `${begin}${summary()}${end}`),
  ).toMatchFileSnapshot(readme);
});

const introduction = `# Formats

What each method package of this repository reads and what it refuses, made from what the packages declare. A refusal
is an error that says why; nothing is skipped in silence.
`;

function section({ name, folder, method }: MethodPackage): string {
  return [
    `## ${method.name}`,
    '',
    `Package [\`${name}\`](../${folder}/README.md).`,
    '',
    '| variant | modules | status | note |',
    '|---|---|---|---|',
    ...method.variants.map(row),
    '',
  ].join('\n');
}

function row({ name, modules, status, note = '' }: FormatVariant): string {
  return tableRow(name, modules.join(', '), status, note);
}

/** The table of README.md: one row per format. */
function summary(): string {
  const rows = packages.map(({ folder, method: { name, variants } }) => {
    const supported = variants.filter(({ status }) => status === 'supported');
    const kinds = [...new Set(supported.flatMap(({ modules }) => modules))].map((kind) => kindNames[kind]);
    return tableRow(
      `[${name}](${folder})`,
      `[${count(supported.length)}](docs/formats.md#${name})`,
      kinds.join(', '),
      count(variants.length - supported.length),
    );
  });
  const header = [tableRow('format', 'reads', 'of', 'refuses, with the reason'), '|---|---|---|---|'];
  return [...header, ...rows, ''].join('\n');
}

const kindNames: Readonly<Record<FormatVariant['modules'][number], string>> = {
  linear: 'linears',
  moe: 'experts',
  embedding: 'embeddings',
  head: 'heads',
  kvCache: 'KV caches',
};

function count(variants: number): string {
  return variants === 1 ? '1 variant' : `${variants} variants`;
}

function tableRow(...cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}
