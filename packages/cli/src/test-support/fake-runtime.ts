import { createRegistry } from '@lowbit/core';
import type { GenerateChunk, GenerateRequest, Model, ModelInfo, OpenOptions, Tokenizer } from '@lowbit/runtime';
import type { Runtime } from '../runtime.ts';

export type FakeRuntime = Runtime & {
  /** What the commands asked for. */
  readonly requests: GenerateRequest[];
  readonly opened: { readonly folder: string; readonly options: OpenOptions }[];
  closed: number;
};

export const fakeInfo: ModelInfo = {
  path: '/models/fake',
  architecture: 'Qwen3ForCausalLM',
  modelType: 'qwen3',
  method: 'awq',
  aliases: ['awq_marlin', 'marlin'],
  schemes: ['w4a16', 'unquantized'],
  backend: 'cpu:reference',
  device: 'a processor',
  numerics: 'faithful',
  vocabSize: 300,
  contextLength: 1024,
  hasChatTemplate: true,
  memory: { weights: 6_669_936, kvCache: 2 ** 20 },
  warnings: [],
};

/** Answers every prompt with the pieces, one token each; stops with `abort` when asked to. */
export function fakeRuntime(
  overrides: Partial<Runtime> & { readonly pieces?: readonly string[]; readonly info?: Partial<ModelInfo> } = {},
): FakeRuntime {
  const { pieces = [' a', ' long', ' time'], info, ...functions } = overrides;
  const fail = (name: string) => () => Promise.reject(new Error(`${name} was not expected`));
  const runtime: FakeRuntime = {
    requests: [],
    opened: [],
    closed: 0,
    discoverPlugins: async () => ({ registry: createRegistry({}), warnings: [] }),
    probeBackends: async () => [],
    missingPlugins: async () => [],
    inspectModel: fail('inspectModel'),
    explainModel: fail('explainModel'),
    verifyModel: fail('verifyModel'),
    measurePerplexity: fail('measurePerplexity'),
    measureSpeed: fail('measureSpeed'),
    startServer: fail('startServer'),
    async openModel(folder, options) {
      runtime.opened.push({ folder: String(folder), options });
      return fakeModel(runtime, { ...fakeInfo, ...info }, pieces);
    },
    ...functions,
  };
  return runtime;
}

function fakeModel(runtime: FakeRuntime, info: ModelInfo, pieces: readonly string[]): Model {
  async function* generate(request: GenerateRequest): AsyncGenerator<GenerateChunk> {
    runtime.requests.push(request);
    const promptTokens = request.prompt.length;
    for (const [index, text] of pieces.entries()) {
      await new Promise(setImmediate);
      const usage = { promptTokens, completionTokens: index + 1 };
      if (request.signal?.aborted) {
        yield { text: '', tokenIds: [], usage, finish: { kind: 'abort', message: 'stopped by the caller' } };
        return;
      }
      const last = index === pieces.length - 1;
      yield { text, tokenIds: [index], usage, ...(last ? { finish: { kind: 'length', length: pieces.length } } : {}) };
    }
  }
  return {
    info,
    // Commands only encode.
    tokenizer: {
      encode: (text) => [...text].map((character) => character.charCodeAt(0)),
    } as Partial<Tokenizer> as Tokenizer,
    generate,
    complete: () => Promise.reject(new Error('complete was not expected')),
    renderChat: async (messages) => messages.map(({ role, content }) => `<${role}>${content}`).join(''),
    logits: () => Promise.reject(new Error('logits was not expected')),
    status: () => ({ running: 0, waiting: 0, kvCache: { used: 0, total: 0 } }),
    bytesPerStep: (sequences, cachedTokens) => fakeInfo.memory.weights + sequences * cachedTokens * 1000,
    measureReadBandwidth: async () => 30e9,
    close: async () => {
      runtime.closed += 1;
    },
  };
}
