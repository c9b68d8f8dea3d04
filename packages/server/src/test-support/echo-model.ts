import { setTimeout as sleep } from 'node:timers/promises';
import { LowbitError } from '@lowbit/core';
import type { FinishReason, GenerateChunk, GenerateRequest, Model, Tokenizer, TokenLogprob } from '@lowbit/runtime';

const bos = 1;
const eos = 2;
/** Shows as half a character. */
export const partialToken = 200;
const vocabSize = 256;
const contextLength = 64;

/** One token per character, its code unit; 1 begins and 2 ends a sequence. */
const tokenizer: Tokenizer = {
  vocabSize,
  bosTokenId: bos,
  eosTokenId: eos,
  padTokenId: undefined,
  decoding: {
    tokenOf: tokenText,
    specialTokenIds: new Set([bos, eos]),
    addedTokens: new Set(),
    decoder: null,
    decodeAtOnce: (tokens) => tokens.join(''),
    cleanUpSpaces: false,
  },
  encode(text, options) {
    const ids = Array.from(text, (character) => character.charCodeAt(0));
    return options?.addSpecialTokens === false ? ids : [bos, ...ids];
  },
  decode: (ids) =>
    ids
      .filter((id) => id > eos)
      .map(tokenText)
      .join(''),
  tokenText,
};

function tokenText(id: number): string {
  if (id <= eos) return id === bos ? '<s>' : '</s>';
  return id === partialToken ? '\ufffd' : String.fromCharCode(id);
}

export interface EchoOptions {
  /** Milliseconds before every token. */
  readonly delay?: number;
  /** Throws this instead of token number `failAfter` (default 0). */
  readonly failure?: Error;
  readonly failAfter?: number;
  readonly chatTemplate?: boolean;
  readonly tokenizer?: boolean;
}

export interface EchoModel extends Model {
  /** Every request made, in order. */
  readonly seen: GenerateRequest[];
  /** Generations that have begun and not ended. */
  readonly active: number;
}

/** Answers a prompt with the prompt, then the end of sequence (with `ignoreEos`, the prompt again). */
export function createEchoModel(options: EchoOptions = {}): EchoModel {
  const seen: GenerateRequest[] = [];
  let active = 0;

  async function* generate(request: GenerateRequest): AsyncGenerator<GenerateChunk, void> {
    seen.push(request);
    const { prompt, sampling = {}, logprobs, signal } = request;
    const promptIds = typeof prompt === 'string' ? tokenizer.encode(prompt) : prompt;
    if (promptIds.length > contextLength) {
      const message = `the prompt has ${promptIds.length} tokens, the context ${contextLength}`;
      throw new LowbitError({ code: 'CONTEXT_LENGTH', message });
    }
    const echo = promptIds.filter((id) => id !== bos);
    const most = sampling.maxTokens ?? 128;
    const usage = (completionTokens: number) => ({ promptTokens: promptIds.length, completionTokens });
    const entry = (tokenId: number): TokenLogprob => ({
      tokenId,
      logprob: -0.5,
      top: alternatives(tokenId, logprobs?.top ?? 0),
    });
    const from = logprobs?.promptFrom;
    const promptLogprobs =
      from === undefined
        ? undefined
        : promptIds.map((id, index) => (index === 0 ? { tokenId: id, logprob: null, top: [] } : entry(id))).slice(from);
    let text = '';
    active++;
    try {
      for (let count = 0; ; count++) {
        const first = count === 0 && promptLogprobs ? { promptLogprobs } : {};
        const end = (finish: FinishReason) => ({ text: '', tokenIds: [], usage: usage(count), finish, ...first });
        if (options.delay) await sleep(options.delay);
        if (signal?.aborted) return yield end({ kind: 'abort', message: 'aborted by the client' });
        if (options.failure && count === (options.failAfter ?? 0)) throw options.failure;
        if (count === most) return yield end({ kind: 'length', length: most });
        const ended = count === echo.length && !sampling.ignoreEos;
        const tokenId = ended ? eos : echo[count % echo.length]!;
        const piece = ended ? '' : tokenText(tokenId);
        text += piece;
        const stop = sampling.stop?.find((candidate) => text.endsWith(candidate));
        const finish: FinishReason | undefined = ended
          ? { kind: 'stop', matched: eos }
          : stop === undefined
            ? undefined
            : { kind: 'stop', matched: stop };
        yield {
          text: stop === undefined || sampling.keepStop ? piece : '',
          tokenIds: [tokenId],
          usage: usage(count + 1),
          ...(logprobs && { logprobs: [entry(tokenId)] }),
          ...(finish && { finish }),
          ...first,
        };
        if (finish) return;
      }
    } finally {
      active--;
    }
  }

  const unused = () => Promise.reject(new Error('the server does not call this'));
  return {
    seen,
    get active() {
      return active;
    },
    tokenizer: options.tokenizer === false ? undefined : tokenizer,
    info: {
      path: '/models/echo-4bit',
      architecture: 'EchoForCausalLM',
      modelType: 'echo',
      aliases: [],
      method: 'awq',
      schemes: ['w4a16'],
      backend: 'cpu:reference',
      device: 'made up',
      numerics: 'faithful',
      vocabSize,
      contextLength,
      hasChatTemplate: options.chatTemplate !== false,
      memory: { weights: 1000, kvCache: 500 },
      warnings: [],
    },
    generate,
    complete: unused,
    renderChat: async (messages) => messages.map(({ role, content }) => `${role[0]}:${content}`).join('|'),
    logits: unused,
    status: () => ({ running: active, waiting: 0, kvCache: { used: 0, total: 256 } }),
    bytesPerStep: () => undefined,
    measureReadBandwidth: unused,
    close: async () => {},
  };
}

function alternatives(tokenId: number, count: number): { tokenId: number; logprob: number }[] {
  return Array.from({ length: count }, (_, rank) => ({ tokenId: tokenId + rank, logprob: -0.5 - rank }));
}
