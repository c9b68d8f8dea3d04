import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root } from '../workspace.ts';
import { type PackedPackage, packAll, tryRun } from './pack.ts';

const model = join(root, 'examples/models/dense-awq');
const scripts = fileURLToPath(new URL('__fixtures__/', import.meta.url));

/** What someone installs to run AWQ checkpoints from a program and from the command line. */
const installed = ['core', 'numerics', 'safetensors', 'runtime', 'server', 'cli', 'awq', 'kernels-cpu-reference'];

let folder: string;
let project: string;

beforeAll(async () => {
  const packed = await packAll();
  folder = packed.folder;
  project = await mkdtemp(join(tmpdir(), 'lowbit-install-'));
  await writeFile(join(project, 'package.json'), JSON.stringify({ name: 'app', private: true, type: 'module' }));
  await npmInstall(packed.packages);
  await cp(scripts, project, { recursive: true });
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  await rm(project, { recursive: true, force: true });
});

describe('an empty project with the packed packages', () => {
  it('generates the recorded text', async () => {
    const golden = JSON.parse(await readFile(join(model, 'golden.json'), 'utf8')) as { greedy_text: string };
    const { stdout, stderr, code } = await tryRun(process.execPath, ['generate.js', model], project);
    expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
    expect(stdout.length).toBeGreaterThan(40);
    expect(golden.greedy_text.startsWith(stdout), stdout).toBe(true);
  });

  it('has a lowbit command that finds the plugins', async () => {
    const lowbit = join(project, 'node_modules/.bin/lowbit');
    const { stdout, stderr, code } = await tryRun(lowbit, ['explain', model], project);
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/awq/);
  });

  it('names @lowbit/awq where that is missing', async () => {
    await rm(join(project, 'node_modules/@lowbit/awq'), { recursive: true });
    const { stderr, code } = await tryRun(process.execPath, ['discover.js', model], project);
    expect(code).not.toBe(0);
    expect(stderr).toContain('npm install @lowbit/awq');
  });
});

/** From npm's cache where it holds everything, so that a second run needs no network. */
async function npmInstall(packages: readonly PackedPackage[]): Promise<void> {
  const tarballs = packages.filter(({ name }) => installed.includes(name.replace('@lowbit/', '')));
  const args = ['install', '--no-audit', '--no-fund', '--ignore-scripts', ...tarballs.map(({ tarball }) => tarball)];
  const offline = await tryRun('npm', [...args, '--offline'], project);
  if (offline.code === 0) return;
  const { code, stderr } = await tryRun('npm', args, project);
  expect(code, stderr).toBe(0);
}
