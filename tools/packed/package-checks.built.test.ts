import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Manifest, publicPackages, root } from '../workspace.ts';
import { type PackedPackage, packAll, tryRun } from './pack.ts';

let folder: string;
let packed: readonly PackedPackage[];
beforeAll(async () => {
  ({ folder, packages: packed } = await packAll());
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe.each(publicPackages())('tarball of $name', ({ name }) => {
  it('holds the build, README, license and manifest, and nothing else', async () => {
    const files = await filesIn(name);
    const other = files.filter((file) => !/^(package\.json|README\.md|LICENSE|dist\/.+|bin\/[\w.-]+\.js)$/.test(file));
    expect(other).toEqual([]);
    expect(files).toEqual(
      expect.arrayContaining(['package.json', 'README.md', 'LICENSE', 'dist/index.js', 'dist/index.d.ts']),
    );
    expect(files.filter((file) => /\.test\.|__fixtures__/.test(file))).toEqual([]);
  });

  it('has a manifest for others: no sources, no workspace versions', async () => {
    const manifest = await manifestIn(name);
    expect(JSON.stringify(manifest)).not.toMatch(/@lowbit\/source|workspace:/);
    for (const [dependency, range] of Object.entries(manifest.dependencies ?? {})) {
      if (dependency.startsWith('@lowbit/')) expect(range, dependency).toMatch(/^\^\d+\.\d+\.\d+/);
    }
  });

  it('satisfies publint', async () => {
    const manifest = await manifestIn(name);
    const tarball = Uint8Array.from(await readFile(find(name).tarball)).buffer;
    const { messages } = await publint({ pack: { tarball }, strict: true });
    expect(messages.map((message) => formatMessage(message, manifest as never))).toEqual([]);
  });

  it('has types that resolve (attw, ES modules only)', async () => {
    const { tarball } = find(name);
    const attw = join(root, 'node_modules/.bin/attw');
    const options = ['--profile', 'esm-only', '--no-definitely-typed', '--no-color', '--no-emoji', '--format', 'ascii'];
    const { code, stdout, stderr } = await tryRun(attw, [tarball, ...options], folder);
    expect(code, `${stdout}${stderr}`).toBe(0);
  });
});

function find(name: string): PackedPackage {
  const found = packed.find((one) => one.name === name);
  if (!found) throw new Error(`${name} was not packed`);
  return found;
}

async function filesIn(name: string): Promise<readonly string[]> {
  const { stdout } = await tryRun('tar', ['-tzf', find(name).tarball], folder);
  return stdout
    .split('\n')
    .filter((line) => line !== '' && !line.endsWith('/'))
    .map((line) => line.replace(/^package\//, ''));
}

async function manifestIn(name: string): Promise<Manifest> {
  const { stdout } = await tryRun('tar', ['-xzOf', find(name).tarball, 'package/package.json'], folder);
  return JSON.parse(stdout) as Manifest;
}
