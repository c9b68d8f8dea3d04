import { join } from 'node:path';
import type { FormatVariant, QuantizationMethod } from '@lowbit/core';
import { expect, it } from 'vitest';
import { publicPackages, root } from './workspace.ts';

it('docs/formats.md says what the methods declare (vitest -u brings it up to date)', async () => {
  const sections = await Promise.all(
    publicPackages()
      .filter(({ manifest }) => manifest.lowbit && 'method' in manifest.lowbit)
      .map(async ({ name, folder }) => {
        const method = ((await import(join(root, folder, 'src/index.ts'))) as { default: QuantizationMethod }).default;
        return section(method, name, folder);
      }),
  );
  await expect([introduction, ...sections].join('\n')).toMatchFileSnapshot(join(root, 'docs/formats.md'));
});

const introduction = `# Formats

What each method package of this repository reads and what it refuses, made from what the packages declare. A refusal
is an error that says why; nothing is skipped in silence.
`;

function section({ name, variants }: QuantizationMethod, packageName: string, folder: string): string {
  return [
    `## ${name}`,
    '',
    `Package [\`${packageName}\`](../${folder}/README.md).`,
    '',
    '| variant | modules | | |',
    '|---|---|---|---|',
    ...variants.map(row),
    '',
  ].join('\n');
}

function row({ name, modules, status, note = '' }: FormatVariant): string {
  const cells = [name, modules.join(', '), status, note].map((cell) => cell.replaceAll('|', '\\|'));
  return `| ${cells.join(' | ')} |`;
}
