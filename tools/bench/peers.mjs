// @ts-check
import { llamaTools } from './llama-tools.mjs';
import { nodeLlamaCpp } from './node-llama.mjs';

/**
 * What one would use instead: runs a GGUF model and gives numbers as the metric wants them, none where it cannot measure it.
 * @typedef {{ readonly threads: number, readonly flashAttention: boolean }} Settings
 * @typedef {object} Peer
 * @property {string} name
 * @property {string} version
 * @property {(model: string, metric: import('./metrics.mjs').Metric, settings: Settings) => Promise<readonly number[]>} measure
 */

/**
 * Those that are there or can be fetched; says on stderr why others are not.
 * @param {string} cache @param {boolean} download @param {string | undefined} instructionSet the only one to use; default: what each chooses
 * @returns {Promise<readonly Peer[]>}
 */
export async function findPeers(cache, download, instructionSet) {
  const found = [
    await llamaTools(cache, download, instructionSet),
    instructionSet ? 'node-llama-cpp chooses its instruction set itself' : await nodeLlamaCpp(cache, download),
  ];
  for (const reason of found) if (typeof reason === 'string') console.error(`not compared: ${reason}`);
  return found.flatMap((one) => (typeof one === 'string' ? [] : [one]));
}
