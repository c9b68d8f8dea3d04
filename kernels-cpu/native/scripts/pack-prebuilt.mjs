// @ts-check

/**
 * Packs `build/lowbit-cpu.node` as the package of this platform, whose manifest lies in `prebuilt/`.
 *
 *   node scripts/pack-prebuilt.mjs [folder]     the .tgz goes there; build/ if none is named
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const destination = resolve(process.argv[2] ?? join(root, 'build'));
const binary = join(root, 'build', 'lowbit-cpu.node');
if (!existsSync(binary)) fail('build/lowbit-cpu.node is missing: node scripts/build-addon.mjs');

const { header } = /** @type {{ header: { glibcVersionRuntime?: string } }} */ (process.report.getReport());
const musl = process.platform === 'linux' && header.glibcVersionRuntime === undefined;
const key = `${process.platform}-${process.arch}${musl ? '-musl' : ''}`;
const source = join(root, 'prebuilt', key);
if (!existsSync(source)) fail(`prebuilt/${key} is missing: a manifest for this platform, as those beside it`);

const folder = join(root, 'build', 'prebuilt');
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
cpSync(source, folder, { recursive: true });
copyFileSync(binary, join(folder, 'lowbit-cpu.node'));
// Private in the workspace, where it has no binary and must not be published.
const { private: _, ...manifest } = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8'));
writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
const { status } = spawnSync('npm', ['pack', '--pack-destination', destination], { cwd: folder, stdio: 'inherit' });
process.exitCode = status ?? 1;

/** @param {string} reason @returns {never} */
function fail(reason) {
  console.error(reason);
  process.exit(1);
}
