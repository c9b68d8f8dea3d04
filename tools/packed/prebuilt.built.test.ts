import { cp, mkdir, mkdtemp, readdir, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import native from '@lowbit/kernels-cpu';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root } from '../workspace.ts';
import { packAll, tryRun } from './pack.ts';

const model = join(root, 'examples/models/dense-awq');
const scripts = fileURLToPath(new URL('__fixtures__/', import.meta.url));
const installed = [
  'core',
  'numerics',
  'safetensors',
  'runtime',
  'server',
  'cli',
  'awq',
  'kernels-cpu',
  'kernels-cpu-reference',
];

const probe = await native.probe();
const reason = probe.kind === 'ready' ? '' : `: ${probe.refusal.message}`;

describe.skipIf(probe.kind !== 'ready')(`an empty project without a compiler, with the prebuilt addon${reason}`, () => {
  let folder: string;
  let project: string;
  let prebuilt: string;
  /** Node and npm, the shell that npm starts, and nothing else. */
  let env: NodeJS.ProcessEnv;

  beforeAll(async () => {
    const packed = await packAll();
    folder = packed.folder;
    project = await mkdtemp(join(tmpdir(), 'lowbit-prebuilt-'));
    env = { ...process.env, PATH: await bareFolder(join(project, 'bin')) };
    const script = join(root, 'kernels-cpu/native/scripts/pack-prebuilt.mjs');
    const prebuiltFolder = join(folder, 'prebuilt');
    await mkdir(prebuiltFolder);
    const packing = await tryRun(process.execPath, [script, prebuiltFolder], root);
    expect(packing.code, packing.stderr).toBe(0);
    const [tarball] = await readdir(prebuiltFolder);
    prebuilt = `@lowbit/${/^lowbit-(.*)-\d+\.\d+\.\d+.*\.tgz$/.exec(tarball!)?.[1]}`;

    await writeFile(join(project, 'package.json'), JSON.stringify({ name: 'app', private: true, type: 'module' }));
    await cp(scripts, project, { recursive: true });
    const own = packed.packages.filter(({ name }) => installed.includes(name.replace('@lowbit/', '')));
    const tarballs = [...own.map((one) => one.tarball), join(prebuiltFolder, tarball!)];
    await npmInstall(tarballs);
  });

  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
    await rm(project, { recursive: true, force: true });
  });

  /** Scripts run: there are none. From npm's cache where it holds everything, so that a second run needs no network. */
  async function npmInstall(tarballs: readonly string[]): Promise<void> {
    const args = ['install', '--no-audit', '--no-fund', ...tarballs];
    const offline = await tryRun('npm', [...args, '--offline'], project, env);
    if (offline.code === 0) return;
    const { code, stderr } = await tryRun('npm', args, project, env);
    expect(code, stderr).toBe(0);
  }

  async function generate() {
    const { stdout, stderr, code } = await tryRun(process.execPath, ['generate-on-cpu.js', model], project, env);
    expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
    return JSON.parse(stdout) as { text: string; backend: string; warnings: readonly string[] };
  }

  async function expectGolden(text: string) {
    const golden = JSON.parse(await readFile(join(model, 'golden.json'), 'utf8')) as { greedy_text: string };
    expect(text.length).toBeGreaterThan(40);
    expect(golden.greedy_text.startsWith(text), text).toBe(true);
  }

  it('has no compiler and no cmake', async () => {
    for (const tool of ['cc', 'c++', 'g++', 'clang++', 'cmake', 'make'])
      expect((await tryRun('sh', ['-c', `command -v ${tool}`], project, env)).code, tool).not.toBe(0);
  });

  it('runs on the native backend', async () => {
    const { text, backend, warnings } = await generate();
    expect({ backend, warnings }).toEqual({ backend: 'cpu:native', warnings: [] });
    await expectGolden(text);
  });

  it('runs on the reference backend where the prebuilt package is missing, and says so once', async () => {
    await rm(join(project, 'node_modules', prebuilt), { recursive: true });
    const { text, backend, warnings } = await generate();
    expect(backend).toBe('cpu:reference');
    expect(warnings).toEqual([
      `cpu:native cannot run here, so that cpu:reference does, which is slow: ${prebuilt} is not installed. Use --device cpu:reference, or build the addon: cmake and a C++ compiler, then npm run build.`,
    ]);
    await expectGolden(text);
    const lowbit = join(project, 'node_modules/.bin/lowbit');
    const args = ['generate', model, 'The ship', '--max-tokens', '2'];
    const { stderr, code } = await tryRun(lowbit, args, project, env);
    expect(code, stderr).toBe(0);
    expect(stderr.split(`${prebuilt} is not installed`)).toHaveLength(2);
  });
});

async function bareFolder(folder: string): Promise<string> {
  await mkdir(folder);
  await symlink(process.execPath, join(folder, 'node'));
  for (const program of ['npm', 'sh']) await symlink(await which(program), join(folder, program));
  return folder;
}

async function which(program: string): Promise<string> {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const found = await realpath(join(folder, program)).catch(() => undefined);
    if (found) return found;
  }
  throw new Error(`there is no ${program} on the PATH`);
}
