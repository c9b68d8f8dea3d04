// @ts-check
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { unpackDebian, unpackedIn } from './debian.mjs';
import { run } from './run.mjs';

/** @typedef {import('./peers.mjs').Peer} Peer */
/** @typedef {(name: string, argv: readonly (string | number)[]) => Promise<string>} Tools runs one of llama.cpp's programs */

/**
 * llama-bench and llama-batched-bench of llama.cpp: those on PATH, or Debian's, unpacked into the cache beside the system.
 * @param {string} cache @param {boolean} download @param {string | undefined} instructionSet the only one to use, with Debian's
 * @returns {Promise<Peer | string>} or why there is none
 */
export async function llamaTools(cache, download, instructionSet) {
  const variant = instructionSet ? variants[instructionSet] : ggmlVariant();
  if (variant === undefined) return `llama.cpp has no build for ${instructionSet} alone`;
  const onPath = (process.env.PATH ?? '').split(delimiter).find((one) => existsSync(join(one, 'llama-bench')));
  if (onPath !== undefined && !instructionSet) {
    return peer((name, argv) => run(join(onPath, name), argv.map(String)), `${onPath}/llama-bench`, isThere(onPath));
  }
  const folder = join(cache, 'llama.cpp-tools');
  const { root, names } = unpackedIn(folder);
  if (!existsSync(names)) {
    if (!download || process.arch !== 'x64') return 'llama-bench is neither on PATH nor in the cache';
    if (spawnSync('apt-get', ['--version']).status !== 0)
      return 'llama-bench is not on PATH, and there is no apt-get to fetch it with';
    await unpackDebian(folder, 'llama.cpp-tools-extra');
  }
  const programs = join(root, 'usr/bin');
  const libraries = join(root, 'usr/lib/x86_64-linux-gnu');
  const path = [libraries, join(libraries, 'ggml'), join(libraries, 'llama')].join(':');
  const env = { GGML_BACKEND_PATH: join(libraries, `ggml/backends0/libggml-cpu-${variant}.so`) };
  const tools = (/** @type {string} */ name, /** @type {readonly (string | number)[]} */ argv) =>
    run(
      join(libraries, 'ld-linux-x86-64.so.2'),
      ['--library-path', path, join(programs, name), ...argv.map(String)],
      undefined,
      env,
    );
  const [, version] = /^llama\.cpp-tools_(\S+?)_/m.exec(readFileSync(names, 'utf8')) ?? [];
  return peer(tools, `Debian's llama.cpp-tools ${version}, ${variant} backend`, isThere(programs));
}

/** @param {string} folder */
function isThere(folder) {
  return (/** @type {string} */ name) => existsSync(join(folder, name));
}

/**
 * @param {Tools} tools
 * @param {string} version
 * @param {(name: string) => boolean} has
 * @returns {Peer}
 */
function peer(tools, version, has) {
  return {
    name: 'llama.cpp',
    version,
    async measure(model, metric, { threads, flashAttention }) {
      const { kind, promptTokens, newTokens, batch, runs } = metric;
      const common = ['-m', model, '-t', threads, '-fa', flashAttention ? 1 : 0];
      /** @param {readonly (string | number)[]} what @returns {Promise<readonly number[]>} */
      const bench = async (...what) => {
        const [first] = JSON.parse(await tools('llama-bench', [...common, '-o', 'json', ...what]));
        return first.samples_ts;
      };
      if (kind === 'prefill') return bench('-p', promptTokens, '-n', 0, '-r', runs);
      if (kind === 'decode' && batch === 1) return bench('-p', 0, '-n', newTokens, '-d', promptTokens, '-r', runs);
      if (kind === 'decode') {
        if (!has('llama-batched-bench')) return [];
        const sizes = [
          '-npp',
          promptTokens,
          '-ntg',
          newTokens,
          '-npl',
          batch,
          '-c',
          (promptTokens + newTokens) * batch,
        ];
        const lines = await tools('llama-batched-bench', [...common, ...sizes, '--output-format', 'jsonl']);
        return lines.split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line).speed_tg] : []));
      }
      // The whole process, its end included: it says nothing when the prompt's logits are there.
      const start = performance.now();
      await bench('-p', promptTokens, '-n', 0, '-r', 1, '--no-warmup');
      return [(performance.now() - start) / 1000];
    },
  };
}

/** The builds of ggml's CPU backend that use what an instruction set here uses. @type {Readonly<Record<string, string>>} */
const variants = { avx2: 'haswell', 'avx-vnni': 'alderlake' };

/** The build of ggml's CPU backend for this processor. */
function ggmlVariant() {
  const flags = new Set(/^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1]?.split(' '));
  if (flags.has('amx_int8')) return 'sapphirerapids';
  if (flags.has('avx512_bf16')) return 'zen4';
  if (flags.has('avx512_vnni')) return 'icelake';
  return flags.has('avx512f') ? 'skylakex' : 'haswell';
}
