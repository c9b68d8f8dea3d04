import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const sources = fileURLToPath(new URL('.', import.meta.url));
const programs = fileURLToPath(new URL('../node_modules/.bin/', import.meta.url));
const model = fileURLToPath(new URL('../../models/dense-awq', import.meta.url));
const timeout = 60_000;

/** Arguments of each snippet, and what it must print. */
const snippets: Readonly<Record<string, { readonly args?: readonly string[]; readonly output: RegExp }>> = {
  'generate/awq/basic.ts': { output: /^(?:.*\S.*\n)+40 tokens; ended by length\n$/ },
  'stream/awq/basic.ts': { output: /^[^.]+\.[^.]*\n\d+ tokens; ended by abort\n$/ },
  'chat/awq/basic.ts': { output: /^\s*\S+ \S+ \S+/ },
  'explain/awq/basic.ts': {
    output: /^\S+, awq, on cpu:(?:native|reference).*\n(?:.+\n)*model\.layers\.0\.self_attn\.q_proj: w4a16/,
  },
  'bundle/awq/basic.ts': { args: [model], output: /^ a long time, and the ship was now in the/ },
};

it('every snippet is run', async () => {
  const files = await readdir(sources, { recursive: true });
  const found = files.map((file) => file.replaceAll('\\', '/')).filter((file) => file.endsWith('/basic.ts'));
  expect(Object.keys(snippets).sort()).toEqual(found.sort());
});

it.each(Object.entries(snippets))('%s', { timeout }, async (snippet, { args = [], output }) => {
  const { stdout, stderr } = await run(join(programs, 'tsx'), [join(sources, snippet), ...args]);
  expect(stdout).toMatch(output);
  expect(stderr).toBe('');
});

it('bundle/awq/basic.ts, bundled, where nothing is installed', { timeout }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lowbit-bundle-'));
  try {
    const app = join(folder, 'app.mjs');
    const options = ['--bundle', '--platform=node', '--format=esm', '--log-level=warning', `--outfile=${app}`];
    await run(join(programs, 'esbuild'), [join(sources, 'bundle/awq/basic.ts'), ...options]);
    const { stdout } = await run(process.execPath, [app, model], folder);
    expect(stdout).toMatch(snippets['bundle/awq/basic.ts']!.output);
  } finally {
    await rm(folder, { recursive: true });
  }
});

function run(program: string, args: readonly string[], cwd?: string) {
  return promisify(execFile)(program, [...args], { cwd, timeout, shell: process.platform === 'win32' });
}
