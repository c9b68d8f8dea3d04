// @ts-check

/**
 * What is measured. Every process loads the model, warms up and gives `runs` numbers.
 * @typedef {object} Metric
 * @property {'prefill' | 'decode' | 'firstToken'} kind
 * @property {string} title
 * @property {number} promptTokens of the prompt; of a decoding, those in the cache of each sequence when it begins
 * @property {number} newTokens written for each sequence
 * @property {number} batch sequences that write together
 * @property {number} runs numbers that one process gives
 * @property {number} most rounds at most: what takes long is measured less often
 */

/**
 * @param {{ promptTokens: number, newTokens: number, context: number, longContext: number, batch: number }} sizes
 * @returns {Readonly<Record<string, Metric>>}
 */
export function metricsOf({ promptTokens, newTokens, context, longContext, batch }) {
  /** @param {number} tokens @param {number} sequences */
  const decoding = (tokens, sequences) => ({
    kind: /** @type {const} */ ('decode'),
    title: `decode after ${tokens}${sequences > 1 ? `, batch of ${sequences}` : ''}`,
    promptTokens: tokens,
    newTokens,
    batch: sequences,
  });
  return {
    prefill: {
      kind: 'prefill',
      title: `prefill ${promptTokens}`,
      promptTokens,
      newTokens: 0,
      batch: 1,
      runs: 1,
      most: Number.POSITIVE_INFINITY,
    },
    decode: { ...decoding(context, 1), runs: 2, most: Number.POSITIVE_INFINITY },
    batch: { ...decoding(context, batch), newTokens: Math.ceil(newTokens / 2), runs: 1, most: 2 },
    long: { ...decoding(longContext, 1), runs: 1, most: 2 },
    'first-token': {
      kind: 'firstToken',
      title: `first token after process start, prompt of ${context}, s`,
      promptTokens: context,
      newTokens: 1,
      batch: 1,
      runs: 1,
      most: Number.POSITIVE_INFINITY,
    },
  };
}
