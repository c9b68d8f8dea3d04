// @ts-check
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './run.mjs';

/**
 * What is measured, and the speeds of each run in tokens per second.
 * @typedef {{ readonly threads: number, readonly promptTokens: number, readonly newTokens: number, readonly context: number, readonly batches: readonly number[] }} Measurement
 * @typedef {{ readonly prefill: readonly number[], readonly decode: readonly (readonly number[])[] }} Speeds decode: per batch, empty where it cannot be measured
 * @typedef {{ readonly name: string, readonly version: string, measure(model: string, what: Measurement): Promise<Speeds> }} Peer
 */

const nodeLlamaVersion = '3.22.1';

/**
 * node-llama-cpp from npm, with its prebuilt binary alone.
 * @param {string} cache @param {boolean} download
 * @returns {Promise<Peer | string>} or why there is none
 */
export async function nodeLlamaCpp(cache, download) {
  const folder = join(cache, 'node-llama-cpp');
  const platform = `@node-llama-cpp/${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;
  if (!existsSync(join(folder, 'node_modules/node-llama-cpp'))) {
    if (!download) return 'node-llama-cpp is not in the cache';
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }');
    const wanted = [`node-llama-cpp@${nodeLlamaVersion}`, `${platform}@${nodeLlamaVersion}`];
    await run('npm', ['install', ...wanted, '--omit=optional', '--ignore-scripts', '--no-audit', '--no-fund'], folder);
  }
  const worker = fileURLToPath(new URL('node-llama-worker.mjs', import.meta.url));
  return {
    name: 'node-llama-cpp',
    version: nodeLlamaVersion,
    measure: async (model, what) =>
      JSON.parse(await run(process.execPath, [worker, JSON.stringify({ model, ...what, runs: 1 })], folder)),
  };
}

/**
 * llama-bench: the one on PATH, or that of Debian, unpacked into the cache beside the system with all its libraries.
 * @param {string} cache @param {boolean} download
 * @returns {Promise<Peer | string>} or why there is none
 */
export async function llamaBench(cache, download) {
  const onPath = (process.env.PATH ?? '')
    .split(delimiter)
    .map((one) => join(one, 'llama-bench'))
    .find(existsSync);
  if (onPath) return llamaBenchPeer([onPath], {});
  const root = join(cache, 'llama-bench/root/usr');
  const libraries = join(root, 'lib/x86_64-linux-gnu');
  if (!existsSync(join(root, 'bin/llama-bench'))) {
    if (!download || process.arch !== 'x64') return 'llama-bench is neither on PATH nor in the cache';
    if (spawnSync('apt-get', ['--version']).status !== 0)
      return 'llama-bench is not on PATH, and there is no apt-get to fetch it with';
    await unpackDebian(join(cache, 'llama-bench'), 'llama.cpp-tools');
  }
  const path = [libraries, join(libraries, 'ggml'), join(libraries, 'llama')].join(':');
  const command = [join(libraries, 'ld-linux-x86-64.so.2'), '--library-path', path, join(root, 'bin/llama-bench')];
  return llamaBenchPeer(command, {
    GGML_BACKEND_PATH: join(libraries, 'ggml/backends0', `libggml-cpu-${ggmlVariant()}.so`),
  });
}

/** @param {readonly string[]} command @param {Record<string, string>} env @returns {Peer} */
function llamaBenchPeer([program = '', ...before], env) {
  /** @param {string} model @param {number} threads @param {readonly (string | number)[]} what @returns {Promise<readonly number[]>} */
  const bench = async (model, threads, what) => {
    const argv = [...before, '-m', model, '-t', threads, '-r', 1, '-fa', 1, '-o', 'json', ...what].map(String);
    const [first] = JSON.parse(await run(program, argv, undefined, env));
    return first.samples_ts;
  };
  return {
    name: 'llama-bench',
    version: 'as found',
    async measure(model, { threads, promptTokens, newTokens, context, batches }) {
      const prefill = await bench(model, threads, ['-p', promptTokens, '-n', 0]);
      const one = await bench(model, threads, ['-p', 0, '-n', newTokens, '-d', context]);
      return { prefill, decode: batches.map((batch) => (batch === 1 ? one : [])) };
    },
  };
}

/** The build of ggml's CPU backend for this processor. */
function ggmlVariant() {
  const flags = new Set(/^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1]?.split(' '));
  if (flags.has('amx_int8')) return 'sapphirerapids';
  if (flags.has('avx512_bf16')) return 'zen4';
  if (flags.has('avx512_vnni')) return 'icelake';
  return flags.has('avx512f') ? 'skylakex' : 'haswell';
}

/** The one that this system uses. */
function debianMirror() {
  const file = '/etc/apt/sources.list.d/debian.sources';
  const [, mirror] = /^URIs:\s*(\S+)/m.exec(existsSync(file) ? readFileSync(file, 'utf8') : '') ?? [];
  if (mirror === undefined) throw new Error(`${file} names no mirror; put llama-bench on PATH instead`);
  return mirror;
}

/** @param {string} folder @param {string} name */
async function unpackDebian(folder, name) {
  for (const one of ['lists/partial', 'cache/archives/partial', 'root'])
    mkdirSync(join(folder, one), { recursive: true });
  writeFileSync(join(folder, 'status'), '');
  writeFileSync(
    join(folder, 'sources.list'),
    `deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${debianMirror()} sid main\n`,
  );
  const options = Object.entries({
    'Dir::Etc::sourcelist': join(folder, 'sources.list'),
    'Dir::Etc::sourceparts': '-',
    'Dir::State::lists': join(folder, 'lists'),
    'Dir::State::status': join(folder, 'status'),
    'Dir::Cache': join(folder, 'cache'),
    'APT::Install-Recommends': '0',
  }).flatMap(([key, value]) => ['-o', `${key}=${value}`]);
  await run('apt-get', [...options, 'update']);
  await run('apt-get', [...options, 'install', '--download-only', '-y', name]);
  await run('sh', ['-c', 'for package in cache/archives/*.deb; do dpkg -x "$package" root; done'], folder);
}
