// @ts-check
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installPackages } from './npm.mjs';
import { run } from './run.mjs';

/** @typedef {import('./peers.mjs').Peer} Peer */

const version = '3.22.1';

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
    await installPackages(folder, [`node-llama-cpp@${version}`, `${platform}@${version}`]);
  }
  const worker = fileURLToPath(new URL('node-llama-worker.mjs', import.meta.url));
  return {
    name: 'node-llama-cpp',
    version,
    measure: async (model, metric, settings) =>
      JSON.parse(await run(process.execPath, [worker, JSON.stringify({ model, ...metric, ...settings })], folder)),
  };
}
