import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Manifest, readJson, root } from '../workspace.ts';
import { packAll, tryRun } from './pack.ts';

const example = 'examples/plugins/fp8';

let folder: string;
let project: string;

/** The example as an outsider has it: a copy elsewhere, with packed packages instead of the workspace's. */
beforeAll(async () => {
  const packed = await packAll();
  folder = packed.folder;
  project = await mkdtemp(join(tmpdir(), 'lowbit-plugin-'));
  const skipped = /[\\/](node_modules|dist|\.turbo)$/;
  await cp(join(root, example), project, { recursive: true, filter: (path) => !skipped.test(path) });

  const tarballs = new Map(packed.packages.map(({ name, tarball }) => [name, `file:${tarball}`]));
  const manifest = readJson(`${example}/package.json`) as Manifest;
  const replaced = (list: Manifest['dependencies'] = {}) =>
    Object.fromEntries(Object.entries(list).map(([name, range]) => [name, tarballs.get(name) ?? range]));
  // What the packed packages depend on is not published yet either.
  const overrides = Object.fromEntries(tarballs);
  const development = { ...Object.fromEntries(tarballs), ...replaced(manifest.devDependencies) };
  const [dependencies, devDependencies] = [replaced(manifest.dependencies), development];
  for (const name of Object.keys(dependencies)) delete devDependencies[name];
  await writeFile(
    join(project, 'package.json'),
    JSON.stringify({ ...manifest, dependencies, devDependencies, overrides }),
  );
  const install = ['install', '--no-audit', '--no-fund', '--ignore-scripts'];
  const offline = await tryRun('npm', [...install, '--offline'], project);
  if (offline.code === 0) return;
  const { code, stderr } = await tryRun('npm', install, project);
  expect(code, stderr).toBe(0);
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  await rm(project, { recursive: true, force: true });
});

it.each(['build', 'test'])('npm run %s', async (script) => {
  const { code, stdout, stderr } = await tryRun('npm', ['run', script], project);
  expect(code, `${stdout}${stderr}`).toBe(0);
});
