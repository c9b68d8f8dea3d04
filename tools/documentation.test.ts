import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root, workspacePackages } from './workspace.ts';

const pages = [
  'README.md',
  'CONTRIBUTING.md',
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' }).map((file) => `docs/${file}`),
  ...workspacePackages().map(({ folder }) => `${folder}/README.md`),
].filter((file) => file.endsWith('.md') && existsSync(join(root, file)));

describe.each(pages)('%s', (page) => {
  const text = readFileSync(join(root, page), 'utf8');

  it('shows code as it stands in the files it names (vitest -u brings it up to date)', async () => {
    await expect(withCurrentCode(text)).toMatchFileSnapshot(join(root, page));
  });

  it('links to files that exist', () => {
    const targets = [...text.matchAll(/\]\((?!https?:|mailto:|#)([^)#\s]+)/g)].map(([, target]) => target ?? '');
    expect(targets.filter((target) => !existsSync(join(root, dirname(page), target)))).toEqual([]);
  });
});

/** Fills each block after `<!-- code: file#region -->` with that region of the file, or with the whole file. */
function withCurrentCode(text: string): string {
  const block = /(<!-- code: ([^\s#]+)(?:#(\S+))? -->\n\n?```\w+\n)[\s\S]*?(```)/g;
  return text.replace(block, (_, opening: string, file: string, region: string | undefined, closing: string) => {
    const source = readFileSync(join(root, file), 'utf8');
    return `${opening}${region === undefined ? source : regionOf(source, region, file)}${closing}`;
  });
}

/** The lines between `// #region name` and `// #endregion`, less their common indentation. */
function regionOf(source: string, region: string, file: string): string {
  const lines = source.split('\n');
  const begin = lines.findIndex((line) => line.trim() === `// #region ${region}`);
  const length = lines.slice(begin + 1).findIndex((line) => line.trim() === '// #endregion');
  if (begin < 0 || length < 0) throw new Error(`${file} has no region ${region}`);
  const inside = lines.slice(begin + 1, begin + 1 + length);
  const indentation = Math.min(...inside.filter((line) => line !== '').map((line) => line.search(/\S/)));
  return inside.map((line) => `${line.slice(indentation)}\n`).join('');
}
