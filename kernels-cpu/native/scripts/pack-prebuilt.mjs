// @ts-check

/** Packs `build/lowbit-cpu.node` as the package of this platform: `build/prebuilt/` and a .tgz beside it. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const binary = join(root, 'build', 'lowbit-cpu.node');
if (!existsSync(binary)) {
  console.error('build/lowbit-cpu.node is missing: node scripts/build-addon.mjs');
  process.exit(1);
}
const { version, license, engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const { header } = /** @type {{ header: { glibcVersionRuntime?: string } }} */ (process.report.getReport());
const musl = process.platform === 'linux' && header.glibcVersionRuntime === undefined;
const libc = process.platform === 'linux' ? { libc: [musl ? 'musl' : 'glibc'] } : {};

const folder = join(root, 'build', 'prebuilt');
mkdirSync(folder, { recursive: true });
copyFileSync(binary, join(folder, 'lowbit-cpu.node'));
const manifest = {
  name: `@lowbit/kernels-cpu-${process.platform}-${process.arch}${musl ? '-musl' : ''}`,
  version,
  description: `The native CPU kernels of lowbit for ${process.platform} ${process.arch}`,
  license,
  engines,
  os: [process.platform],
  cpu: [process.arch],
  ...libc,
  main: 'lowbit-cpu.node',
  files: ['lowbit-cpu.node'],
};
writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
const { status } = spawnSync('npm', ['pack', '--pack-destination', join(root, 'build')], {
  cwd: folder,
  stdio: 'inherit',
});
process.exitCode = status ?? 1;
