import type { GenerateRequest, Model } from '@lowbit/runtime';

/** A model whose requests without a seed get `seed`, `seed + 1`, ... in the order they come. */
export function seededModel(model: Model, seed: number): Model {
  let next = seed;
  const seeded = (request: GenerateRequest): GenerateRequest =>
    request.sampling?.seed === undefined ? { ...request, sampling: { ...request.sampling, seed: next++ } } : request;
  return {
    info: model.info,
    tokenizer: model.tokenizer,
    generate: (request) => model.generate(seeded(request)),
    complete: (request) => model.complete(seeded(request)),
    renderChat: (messages, options) => model.renderChat(messages, options),
    logits: (tokenIds) => model.logits(tokenIds),
    status: () => model.status(),
    bytesPerStep: (sequences, cachedTokens) => model.bytesPerStep(sequences, cachedTokens),
    measureReadBandwidth: () => model.measureReadBandwidth(),
    close: () => model.close(),
  };
}
