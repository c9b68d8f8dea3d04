import { LowbitError } from '@lowbit/core';
import { checkZeros } from './checkpoint/check-zeros.ts';
import { type ModelFolder, readJson, readText } from './checkpoint/model-folder.ts';
import { createModel } from './create-model.ts';
import { createBlockPool } from './engine/block-pool.ts';
import { createEngine } from './engine/engine.ts';
import type { Model } from './model.ts';
import type { OpenOptions } from './open-options.ts';
import { checkMemory } from './plan/check-memory.ts';
import { type ModelPlan, planModel } from './plan/plan-model.ts';
import { readGenerationDefaults } from './sampling/generation-defaults.ts';
import { createChatRenderer, findChatTemplate } from './text/chat-template.ts';
import { createTokenizer } from './text/tokenizer.ts';

/** Tokens in one block of the KV cache: small enough to waste little, large enough to keep tables short. */
const blockSize = 16;

/** Unless told otherwise, the KV cache holds this many full contexts, and no more tokens than the second number. */
const defaultContexts = 4;
const defaultMaxTokens = 16_384;

/**
 * Opens a checkpoint folder: plans the run, reads the weights into the chosen backend's layout, makes ready to generate.
 * @throws LowbitError of the step that fails; its message says what to do
 */
export async function openModel(path: string | ModelFolder, options: OpenOptions): Promise<Model> {
  return openPlan(await planModel(path, options), options);
}

/** Runs a plan; closes its checkpoint where that fails. */
export async function openPlan(plan: ModelPlan, options: OpenOptions): Promise<Model> {
  try {
    await checkZeros(plan.checkpoint, plan.unused);
    const text = await openText(plan.checkpoint.folder, plan.checkpoint.metadata.config, options);
    const { contextLength, vocabSize } = plan.program;
    const pool = createBlockPool(cacheBlocks(contextLength, options), blockSize);
    const maxRunning = options.maxRunningRequests ?? 16;
    const prefillChunk = options.prefillChunk ?? 512;
    const sizes = {
      cacheTokens: pool.total * blockSize,
      blockSize,
      batchTokens: prefillChunk + maxRunning,
      logitRows: maxRunning,
    };
    checkMemory(plan, sizes, options.memoryLimit);
    const executable = await plan.backend.compile({
      program: plan.program,
      descriptions: new Map([...plan.modules].map(([name, { description }]) => [name, description])),
      selections: plan.selections,
      device: plan.device,
      numerics: plan.numerics,
      bytes: plan.checkpoint.bytes,
      kvCache: { blockSize, blocks: pool.total },
      ...(options.threads === undefined ? {} : { threads: options.threads }),
      ...(options.signal ? { signal: options.signal } : {}),
      onProgress: (done, total) => options.onProgress?.({ stage: 'weights', done, total }),
    });
    const engine = createEngine({
      executable,
      pool,
      vocabSize,
      maxRunning,
      prefillChunk,
    });
    return createModel({ plan, executable, engine, pool, ...text });
  } catch (error) {
    await plan.checkpoint.close();
    throw error;
  }
}

/** Tokenizer, chat template and sampling defaults: everything about text, none of it needed to compute. */
async function openText(
  folder: ModelFolder,
  config: ModelPlan['checkpoint']['metadata']['config'],
  options: OpenOptions,
) {
  const tokenizerJson = await readJson(folder, 'tokenizer.json');
  const tokenizerConfig = (await readJson(folder, 'tokenizer_config.json')) ?? {};
  const generationConfig = (await readJson(folder, 'generation_config.json')) ?? {};
  const jinjaFile = await readText(folder, 'chat_template.jinja');
  const template = options.chatTemplate ?? findChatTemplate({ tokenizerConfig, jinjaFile });
  const { eosTokenIds, ...defaults } = readGenerationDefaults({ ...pickEos(config), ...generationConfig });
  return {
    tokenizer: tokenizerJson && createTokenizer(tokenizerJson, tokenizerConfig),
    chat: template === undefined ? undefined : createChatRenderer({ template, tokenizerConfig }),
    samplingDefaults: options.samplingDefaults === 'none' ? {} : defaults,
    eosTokenIds,
  };
}

/** `config.json` names the end-of-sequence token too; `generation_config.json` wins. */
function pickEos(config: Readonly<Record<string, unknown>>) {
  return { eos_token_id: config.eos_token_id };
}

function cacheBlocks(contextLength: number, { kvCacheTokens }: OpenOptions): number {
  const tokens = kvCacheTokens ?? Math.max(contextLength, Math.min(defaultContexts * contextLength, defaultMaxTokens));
  if (Number.isInteger(tokens) && tokens >= contextLength) return Math.ceil(tokens / blockSize);
  throw new LowbitError({
    code: 'KV_CACHE',
    message: `a KV cache of ${tokens} tokens cannot hold one context of ${contextLength}`,
    remedy: 'Give it at least one context, or open the model with a smaller context length.',
  });
}
