import { execFile } from 'node:child_process';
import { mkdtemp, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { publicPackages, readJson, root, type WorkspacePackage } from '../workspace.ts';

const execute = promisify(execFile);
const options = { cwd: root, shell: process.platform === 'win32' };

export interface PackedPackage extends WorkspacePackage {
  /** Absolute path of the tarball. */
  readonly tarball: string;
}

/** Packs every public package, as a release would, into a new folder outside the checkout. */
export async function packAll(): Promise<{ readonly folder: string; readonly packages: readonly PackedPackage[] }> {
  const folder = await mkdtemp(join(tmpdir(), 'lowbit-packed-'));
  const packages = publicPackages();
  const filters = packages.map(({ name }) => `--filter=${name}`);
  const [program, ...first] = await findPnpm();
  await execute(program, [...first, ...filters, 'pack', '--pack-destination', folder], options);
  const files = new Set(await readdir(folder));
  const packed = packages.map((one) => {
    const file = `${one.name.replace('@', '').replace('/', '-')}-${one.manifest.version}.tgz`;
    if (!files.has(file)) throw new Error(`${one.name}: no ${file} among ${[...files].join(', ')}`);
    return { ...one, tarball: join(folder, file) };
  });
  return { folder, packages: packed };
}

/** The pinned pnpm: the one on the PATH, where `npm test` has put it, or by npx. */
async function findPnpm(): Promise<readonly [string, ...string[]]> {
  const { packageManager } = readJson('package.json') as { packageManager: string };
  const present = await execute('pnpm', ['--version'], options).catch(() => undefined);
  return `pnpm@${present?.stdout.trim()}` === packageManager ? ['pnpm'] : ['npx', '--yes', packageManager];
}

/** Runs a program; the answer holds what it printed, also where it failed. */
export async function tryRun(
  command: string,
  args: readonly string[],
  cwd: string,
  env?: NodeJS.ProcessEnv,
): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
  try {
    const { stdout, stderr } = await execute(command, [...args], { cwd, env, shell: process.platform === 'win32' });
    return { code: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: unknown; stdout: string; stderr: string };
    if (typeof code !== 'number') throw error;
    return { code, stdout, stderr };
  }
}
