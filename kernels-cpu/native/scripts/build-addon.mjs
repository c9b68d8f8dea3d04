// @ts-check

/**
 * Builds `build/lowbit-cpu.node` with CMake where something it is made of has changed. Without CMake or a compiler it says so
 * in one line and succeeds: the backend then refuses with that reason, and everything else works.
 *
 *   node scripts/build-addon.mjs [--sanitize]    --sanitize: into build/sanitize, with address and undefined-behaviour checks
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const require = createRequire(import.meta.url);

const sanitize = process.argv.includes('--sanitize');
const folder = join(root, 'build', sanitize ? 'sanitize' : 'release');
const binary = join(root, 'build', sanitize ? 'lowbit-cpu-sanitize.node' : 'lowbit-cpu.node');
const stampFile = join(folder, 'stamp');
const reasonFile = join(root, 'build', 'why-not.txt');

build();

function build() {
  const stamp = stampOfSources();
  if (existsSync(binary) && existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return;
  rmSync(binary, { force: true });
  mkdirSync(folder, { recursive: true });
  const reason = missingTool() ?? compile();
  if (reason !== undefined) {
    writeFileSync(reasonFile, `${reason}\n`);
    console.log(`the native CPU kernels were not built: ${reason}`);
    return;
  }
  rmSync(reasonFile, { force: true });
  copyFileSync(join(folder, 'lowbit-cpu.node'), binary);
  writeFileSync(stampFile, stamp);
}

/** Of everything that the binary is made of. */
function stampOfSources() {
  const hash = createHash('sha256');
  const files = readdirSync(join(root, 'cpp'), { recursive: true, encoding: 'utf8' }).filter((name) =>
    /\.(h|cc|txt)$/.test(name),
  );
  for (const name of ['CMakeLists.txt', ...files.sort().map((name) => join('cpp', name))]) {
    hash.update(`${name}\0`).update(readFileSync(join(root, name)));
  }
  return `${hash.digest('hex')} ${process.platform}-${process.arch}\n`;
}

/** @returns {string | undefined} */
function missingTool() {
  if (process.platform === 'win32') return 'it is not written for Windows yet';
  const found = (/** @type {string} */ name) => spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0;
  if (!found('cmake')) return 'there is no cmake';
  if (![process.env.CXX, 'c++', 'g++', 'clang++'].some((name) => name && found(name)))
    return 'there is no C++ compiler';
  return undefined;
}

/** @returns {string | undefined} what failed */
function compile() {
  const definitions = {
    NODE_API_HEADERS: join(dirname(require.resolve('node-api-headers/package.json')), 'include'),
    NODE_ADDON_API: dirname(require.resolve('node-addon-api/package.json')),
    LOWBIT_SANITIZE: sanitize ? 'ON' : 'OFF',
  };
  const defined = Object.entries(definitions).map(([name, value]) => `-D${name}=${value}`);
  for (const args of [
    ['-S', root, '-B', folder, ...defined],
    ['--build', folder, '--parallel'],
  ]) {
    const { status, stdout, stderr } = spawnSync('cmake', args, { encoding: 'utf8' });
    if (status === 0) continue;
    process.stderr.write(`${stdout}${stderr}`);
    return `cmake ${args[0] === '-S' ? 'could not configure it' : 'could not compile it'}`;
  }
  return undefined;
}
