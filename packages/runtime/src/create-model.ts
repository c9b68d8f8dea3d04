import { type Executable, LowbitError } from '@lowbit/core';
import type { BlockPool } from './engine/block-pool.ts';
import { ContextLengthError } from './engine/context-length-error.ts';
import type { Engine } from './engine/engine.ts';
import type { GenerateChunk, GenerateRequest, GenerateResult } from './engine/generate-request.ts';
import { createGeneration, type Generation } from './engine/generation.ts';
import { bytesPerStep } from './evaluate/bytes-per-step.ts';
import type { Model, ModelInfo } from './model.ts';
import { explainPlan } from './plan/explain-model.ts';
import { fallbackWarnings } from './plan/fallback-warning.ts';
import type { ModelPlan } from './plan/plan-model.ts';
import { resolveSampling } from './sampling/resolve-sampling.ts';
import { createSampler } from './sampling/sampler.ts';
import type { SamplingParameters } from './sampling/sampling-parameters.ts';
import type { ChatRenderer } from './text/chat-template.ts';
import { createDetokenizer } from './text/detokenizer.ts';
import { createStopMatcher } from './text/stop-strings.ts';
import type { Tokenizer } from './text/tokenizer.ts';

export interface ModelParts {
  readonly plan: ModelPlan;
  readonly executable: Executable;
  readonly engine: Engine;
  readonly pool: BlockPool;
  readonly tokenizer: Tokenizer | undefined;
  readonly chat: ChatRenderer | undefined;
  readonly samplingDefaults: SamplingParameters;
  readonly eosTokenIds: readonly number[];
}

/** Puts the public face on the parts of an opened model. */
export function createModel(parts: ModelParts): Model {
  const { plan, executable, engine, pool, tokenizer, chat } = parts;
  const { contextLength, vocabSize } = plan.program;
  const info = describeModel(parts);
  const active = new Set<Generation>();
  /** Those who wait for logits. */
  const waiting = new Set<(error: unknown) => void>();
  const closedError = () => new LowbitError({ code: 'MODEL_CLOSED', message: `the model ${info.path} is closed` });
  let closed = false;

  async function* generate(request: GenerateRequest): AsyncGenerator<GenerateChunk> {
    if (closed) throw closedError();
    const generation = prepareGeneration(parts, request);
    active.add(generation);
    const sequence = engine.submit(generation.job);
    // At once, whether or not somebody waits for the next chunk.
    const abort = () => {
      generation.abort('the request was aborted');
      sequence.cancel();
    };
    if (request.signal?.aborted) abort();
    request.signal?.addEventListener('abort', abort, { once: true });
    try {
      yield* generation.chunks;
    } finally {
      request.signal?.removeEventListener('abort', abort);
      active.delete(generation);
      sequence.cancel();
    }
  }

  return {
    info,
    tokenizer,
    generate,
    complete: (request) => joinChunks(generate(request)),
    async renderChat(messages, options, signal) {
      if (chat) return chat.render(messages, options, signal);
      throw new LowbitError({
        code: 'CHAT_TEMPLATE',
        message: `${info.path} has no chat template`,
        remedy: 'Give one (--chat-template FILE), or send plain prompts.',
      });
    },
    logits: (tokenIds) =>
      new Promise((resolve, reject) => {
        checkTokenIds([...tokenIds], vocabSize);
        if (tokenIds.length === 0 || tokenIds.length > contextLength)
          throw new ContextLengthError(tokenIds.length, contextLength);
        if (closed) throw closedError();
        const all = new Float32Array(tokenIds.length * vocabSize);
        const refuse = (error: unknown) => {
          waiting.delete(refuse);
          reject(error);
        };
        waiting.add(refuse);
        engine.submit({
          promptTokenIds: [...tokenIds],
          wantsLogits: () => true,
          onLogits: (position, logits) => all.set(logits, position * vocabSize),
          onFinished: () => {
            waiting.delete(refuse);
            resolve(all);
          },
          onError: refuse,
        });
      }),
    status: () => ({
      running: engine.running,
      waiting: engine.waiting,
      kvCache: { used: (pool.total - pool.free) * pool.blockSize, total: pool.total * pool.blockSize },
    }),
    bytesPerStep: (sequences, cachedTokens) =>
      bytesPerStep(
        { program: plan.program, moduleBytes: executable.moduleBytes, cacheTokens: pool.total * pool.blockSize },
        sequences,
        cachedTokens,
      ),
    measureReadBandwidth: async () => executable.measureReadBandwidth?.(),
    async close() {
      if (closed) return;
      closed = true;
      for (const generation of active) generation.abort('the model was closed');
      for (const refuse of waiting) refuse(closedError());
      await engine.close();
      await executable.close();
      chat?.close();
      await plan.checkpoint.close();
    },
  };
}

/** Checks a request and turns it into tokens, a sampler and a place for its text. */
function prepareGeneration(parts: ModelParts, request: GenerateRequest): Generation {
  const { plan, tokenizer, samplingDefaults, eosTokenIds } = parts;
  const { contextLength, vocabSize } = plan.program;
  const promptTokenIds = encodePrompt(parts, request.prompt);
  if (
    promptTokenIds.length === 0 ||
    promptTokenIds.length >= contextLength + (request.sampling?.maxTokens === 0 ? 1 : 0)
  ) {
    throw new ContextLengthError(promptTokenIds.length, contextLength);
  }
  const sampling = resolveSampling(request.sampling ?? {}, samplingDefaults, {
    maxTokens: contextLength - promptTokenIds.length,
    vocabSize,
    eosTokenIds,
  });
  if (sampling.stop.length > 0) requireTokenizer(parts, 'stop strings');
  return createGeneration({
    promptTokenIds,
    sampling,
    sampler: createSampler(sampling, { promptTokenIds }),
    logprobs: request.logprobs,
    detokenizer: tokenizer && createDetokenizer(tokenizer, { skipSpecialTokens: sampling.skipSpecialTokens }),
    stopMatcher: createStopMatcher(sampling.stop, sampling.keepStop),
  });
}

function encodePrompt(parts: ModelParts, prompt: GenerateRequest['prompt']): readonly number[] {
  if (typeof prompt === 'string') return requireTokenizer(parts, 'a text prompt').encode(prompt);
  checkTokenIds(prompt, parts.plan.program.vocabSize);
  return prompt;
}

function requireTokenizer({ tokenizer, plan }: ModelParts, what: string): Tokenizer {
  if (tokenizer) return tokenizer;
  throw new LowbitError({
    code: 'TOKENIZER_MISSING',
    message: `${what} needs a tokenizer, and ${plan.checkpoint.folder.path} holds no tokenizer.json`,
    remedy: 'Give the prompt as token ids, or put the tokenizer.json of the model into its folder.',
  });
}

function checkTokenIds(tokenIds: readonly number[], vocabSize: number): void {
  const wrong = tokenIds.find((id) => !Number.isInteger(id) || id < 0 || id >= vocabSize);
  if (wrong === undefined) return;
  throw new LowbitError({
    code: 'TOKEN_ID',
    message: `token id ${wrong}: expected a whole number from 0 to ${vocabSize - 1}`,
  });
}

async function joinChunks(chunks: AsyncIterable<GenerateChunk>): Promise<GenerateResult> {
  const all: GenerateChunk[] = [];
  for await (const chunk of chunks) all.push(chunk);
  const last = all.at(-1);
  if (!last?.finish) throw new LowbitError({ code: 'ENGINE', message: 'a generation ended without saying why' });
  const promptLogprobs = all[0]?.promptLogprobs;
  return {
    text: all.map(({ text }) => text).join(''),
    tokenIds: all.flatMap(({ tokenIds }) => tokenIds),
    ...(all.some(({ logprobs }) => logprobs) ? { logprobs: all.flatMap(({ logprobs }) => logprobs ?? []) } : {}),
    ...(promptLogprobs ? { promptLogprobs } : {}),
    usage: last.usage,
    finish: last.finish,
  };
}

function describeModel({ plan, executable, chat }: ModelParts): ModelInfo {
  const explanation = explainPlan(plan);
  const counts = new Map<string, number>();
  for (const { kind, scheme } of explanation.modules) {
    if (kind === 'linear') counts.set(scheme, (counts.get(scheme) ?? 0) + 1);
  }
  return {
    path: explanation.path,
    architecture: explanation.architecture,
    modelType: plan.program.modelType,
    method: explanation.method,
    aliases: explanation.aliases,
    schemes: [...counts].sort((a, b) => b[1] - a[1]).map(([scheme]) => scheme),
    backend: explanation.backend,
    device: explanation.device,
    numerics: explanation.numerics,
    vocabSize: plan.program.vocabSize,
    contextLength: plan.program.contextLength,
    hasChatTemplate: chat !== undefined,
    memory: executable.memory,
    warnings: [...plan.warnings, ...fallbackWarnings(plan)],
  };
}
