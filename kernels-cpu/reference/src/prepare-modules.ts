import {
  type CompileRequest,
  type Embedding,
  type EmbeddingKernel,
  type KvCacheKernel,
  type Linear,
  type LinearKernel,
  LowbitError,
  type ModuleDescription,
  type ModuleSpec,
  type Moe,
  type MoeKernel,
} from '@lowbit/core';
import { createPagedCache, type PagedCache } from './kv-cache/paged-cache.ts';
import { createRounders } from './kv-cache/round-element.ts';
import { decodeVector, readTensors } from './read-tensors.ts';

/** A module with its weights in memory, ready to be used by operations. `bytes`: what it holds. */
export type PreparedModule = { readonly bytes: number } & (
  | { readonly kind: 'linear'; readonly linear: Linear; readonly inFeatures: number; readonly outFeatures: number }
  | { readonly kind: 'moe'; readonly moe: Moe; readonly numExperts: number; readonly hiddenSize: number }
  | {
      readonly kind: 'embedding';
      readonly embedding: Embedding;
      readonly vocabSize: number;
      readonly hiddenSize: number;
    }
  | {
      readonly kind: 'kvCache';
      readonly cache: PagedCache;
      readonly numKvHeads: number;
      readonly headSize: number;
      readonly valueHeadSize: number;
    }
  | { readonly kind: 'norm'; readonly weight: Float32Array; readonly bias: Float32Array | undefined }
  | { readonly kind: 'vector'; readonly vector: Float32Array }
);

export type PreparedModules = ReadonlyMap<string, PreparedModule>;

/**
 * Prepares one module after the other, so that the stored bytes of only one are in memory at a time.
 * @throws the signal's reason once aborted, LowbitError PROGRAM for a module that is not described; all is released
 */
export async function prepareModules(request: CompileRequest): Promise<PreparedModules> {
  const { program, signal } = request;
  const modules = new Map<string, PreparedModule>();
  try {
    for (const spec of program.modules) {
      signal?.throwIfAborted();
      modules.set(spec.name, await prepareModule(spec, request));
      request.onProgress?.(modules.size, program.modules.length);
    }
    return modules;
  } catch (error) {
    releaseModules(modules);
    throw error;
  }
}

export function releaseModules(modules: PreparedModules): void {
  for (const module of modules.values()) {
    if (module.kind === 'linear') module.linear.release();
    if (module.kind === 'moe') module.moe.release();
    if (module.kind === 'embedding') module.embedding.release();
  }
}

async function prepareModule(spec: ModuleSpec, request: CompileRequest): Promise<PreparedModule> {
  const description = descriptionOf(spec, request);
  switch (description.kind) {
    case 'linear': {
      const kernel = selectedKernel<LinearKernel>(spec.name, request);
      const { inFeatures, outFeatures } = description.weight;
      const linear = await kernel.prepare(description, request);
      return { kind: 'linear', linear, inFeatures, outFeatures, bytes: kernel.bytes(description) };
    }
    case 'moe': {
      const kernel = selectedKernel<MoeKernel>(spec.name, request);
      const numExperts = description.experts.length;
      const hiddenSize = description.experts[0]?.gate.weight.inFeatures ?? 0;
      const moe = await kernel.prepare(description, request);
      return { kind: 'moe', moe, numExperts, hiddenSize, bytes: kernel.bytes(description) };
    }
    case 'embedding': {
      const kernel = selectedKernel<EmbeddingKernel>(spec.name, request);
      const { inFeatures: hiddenSize, outFeatures: vocabSize } = description.weight;
      const embedding = await kernel.prepare(description, request);
      return { kind: 'embedding', embedding, hiddenSize, vocabSize, bytes: kernel.bytes(description) };
    }
    case 'kvCache': {
      const { numKvHeads, headSize, valueHeadSize = headSize } = description;
      const tokens = request.kvCache.blocks * request.kvCache.blockSize;
      const bytes = selectedKernel<KvCacheKernel>(spec.name, request).bytes(description) * tokens;
      const rounders = createRounders(description, request.numerics, await readTensors(description, request.bytes));
      const cache = createPagedCache(description, request.kvCache, rounders);
      return { kind: 'kvCache', cache, numKvHeads, headSize, valueHeadSize, bytes };
    }
    case 'vector': {
      const size = spec.kind === 'vector' ? spec.size : 0;
      const vector = decodeVector(description.vector, await readTensors(description, request.bytes), size);
      return { kind: 'vector', vector, bytes: vector.byteLength };
    }
    case 'norm': {
      const size = spec.kind === 'norm' ? spec.size : 0;
      const read = await readTensors(description, request.bytes);
      const weight = decodeVector(description.weight, read, size);
      const bias = description.bias && decodeVector(description.bias, read, size);
      return { kind: 'norm', weight, bias, bytes: weight.byteLength + (bias?.byteLength ?? 0) };
    }
  }
}

function descriptionOf(spec: ModuleSpec, { descriptions }: CompileRequest): ModuleDescription {
  const description = descriptions.get(spec.name);
  if (description?.kind === spec.kind) return description;
  const found = description ? `one of kind ${description.kind}` : 'none';
  throw new LowbitError({
    code: 'PROGRAM',
    message: `module ${spec.name}: expected a description of kind ${spec.kind}, found ${found}`,
  });
}

/** Kernels are selected among those of the module's own kind. */
function selectedKernel<Kernel>(module: string, { selections }: CompileRequest): Kernel {
  const selection = selections.get(module);
  if (selection) return selection.kernel as Kernel;
  throw new LowbitError({ code: 'PROGRAM', message: `module ${module}: no kernel was selected` });
}
