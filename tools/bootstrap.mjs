// @ts-check

/**
 * `npm start` and `npm test` on a machine that has Node and npm only: fetches the pinned pnpm through npx, installs,
 * builds what is needed, and hands over. Plain Node, because nothing is installed yet. Quiet unless something fails.
 *
 *   node tools/bootstrap.mjs start [arguments of `lowbit generate`]
 *   node tools/bootstrap.mjs test [stage ...]
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const { packageManager, engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** Written after a finished install; holds what was installed. */
const stampFile = join(root, 'node_modules', '.lowbit-install');

/** What `lowbit generate` needs: the command and the plugins it discovers, each with its own dependencies. */
const startPackages = ['cli', 'awq', 'kernels-cpu', 'kernels-cpu-reference'];

const environment = {
  ...process.env,
  // No telemetry, no "update available" lines, no interactive questions.
  TURBO_TELEMETRY_DISABLED: '1',
  TURBO_NO_UPDATE_NOTIFIER: '1',
  DO_NOT_TRACK: '1',
  NO_UPDATE_NOTIFIER: '1',
  npm_config_update_notifier: 'false',
};

await main(process.argv[2], ...process.argv.slice(3));

/**
 * @param {string | undefined} command
 * @param {string[]} args
 */
async function main(command, ...args) {
  checkNode();
  if (command === 'start') {
    await install();
    const packages = args.includes('moe') ? [...startPackages, 'compressed-tensors'] : startPackages;
    const filters = packages.map((name) => `--filter=@lowbit/${name}`);
    await step('build', pnpm('exec', 'turbo', 'run', 'build', ...filters));
    const all = [join('packages', 'cli', 'bin', 'lowbit.js'), 'generate', ...args];
    process.exitCode = await run(process.execPath, all, 'inherit');
  } else if (command === 'test') {
    await install();
    const [npx, all] = pnpm('exec', 'node', join('tools', 'test.mjs'), ...args);
    process.exitCode = await run(npx, all, 'inherit');
  } else {
    fail('usage: node tools/bootstrap.mjs start|test');
  }
}

function checkNode() {
  const [major = 0, minor = 0] = engines.node.replace('>=', '').split('.').map(Number);
  const [ownMajor = 0, ownMinor = 0] = process.versions.node.split('.').map(Number);
  const old = ownMajor < major || (ownMajor === major && ownMinor < minor);
  if (old) fail(`lowbit needs Node ${engines.node}; this is ${process.version}`);
}

/** Installs what the lockfile says, unless that has been done. */
async function install() {
  if (isInstalled()) return;
  await step('install', pnpm('install', '--frozen-lockfile', '--prefer-offline'));
  mkdirSync(dirname(stampFile), { recursive: true });
  writeFileSync(stampFile, wantedStamp());
}

function isInstalled() {
  return existsSync(stampFile) && readFileSync(stampFile, 'utf8') === wantedStamp();
}

function wantedStamp() {
  const hash = createHash('sha256');
  for (const file of ['pnpm-lock.yaml', 'pnpm-workspace.yaml', 'package.json'])
    hash.update(readFileSync(join(root, file)));
  return `${hash.digest('hex')} ${process.platform}-${process.arch}\n`;
}

/**
 * A command line for the pinned pnpm. npx puts it on the PATH, where turbo looks for it. Once it has been fetched, npx
 * need not ask the registry about it again.
 * @param {string[]} args
 * @returns {[string, string[]]}
 */
function pnpm(...args) {
  return ['npx', ['--yes', ...(isInstalled() ? ['--prefer-offline'] : []), packageManager, ...args]];
}

/**
 * Runs a command silently; shows its output and ends only if it fails.
 * @param {string} title
 * @param {[string, string[]]} commandLine
 */
async function step(title, [command, args]) {
  const begin = performance.now();
  process.stderr.write(`${title} ... `);
  /** @type {Buffer[]} */
  const output = [];
  const code = await run(command, args, output);
  const seconds = ((performance.now() - begin) / 1000).toFixed(1);
  process.stderr.write(`${code === 0 ? 'done' : 'failed'} in ${seconds} s\n`);
  if (code === 0) return;
  process.stderr.write(Buffer.concat(output));
  fail(`${title} failed: ${command} ${args.join(' ')}`);
}

/**
 * @param {string} command
 * @param {string[]} args
 * @param {'inherit' | Buffer[]} output where the command's output goes
 * @returns {Promise<number>} its exit code
 */
function run(command, args, output) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: root,
      env: environment,
      stdio: output === 'inherit' ? 'inherit' : ['ignore', 'pipe', 'pipe'],
      // npx is a script with a suffix on Windows, which only a shell finds.
      shell: process.platform === 'win32' && command === 'npx',
    });
    if (output !== 'inherit') {
      child.stdout?.on('data', (chunk) => output.push(chunk));
      child.stderr?.on('data', (chunk) => output.push(chunk));
    }
    child.on('error', reject);
    child.on('close', (code) => resolve(code ?? 1));
  });
}

/** @param {string} message */
function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}
