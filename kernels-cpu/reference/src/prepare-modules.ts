import type {
  CompileRequest,
  Embedding,
  EmbeddingKernel,
  KvCacheKernel,
  Linear,
  LinearKernel,
  ModuleSpec,
  Moe,
  MoeKernel,
} from '@lowbit/core';
import { createPagedCache, type PagedCache } from './kv-cache/paged-cache.ts';
import { createRounders } from './kv-cache/round-element.ts';
import { decodeVector, readTensors } from './read-tensors.ts';

/** A module with its weights in memory, ready to be used by operations. `bytes`: what it holds. */
export type PreparedModule = { readonly bytes: number } & (
  | { readonly kind: 'linear'; readonly linear: Linear; readonly inFeatures: number }
  | { readonly kind: 'moe'; readonly moe: Moe }
  | { readonly kind: 'embedding'; readonly embedding: Embedding }
  | { readonly kind: 'kvCache'; readonly cache: PagedCache }
  | { readonly kind: 'norm'; readonly weight: Float32Array; readonly bias: Float32Array | undefined }
  | { readonly kind: 'vector'; readonly vector: Float32Array }
);

export type PreparedModules = ReadonlyMap<string, PreparedModule>;

/**
 * Prepares the modules of a program that was checked one after the other, so that the stored bytes of only one are in
 * memory at a time.
 * @throws the signal's reason once aborted; all is released
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
  const description = request.descriptions.get(spec.name)!;
  switch (description.kind) {
    case 'linear': {
      const kernel = selectedKernel<LinearKernel>(spec.name, request);
      const linear = await kernel.prepare(description, request);
      return { kind: 'linear', linear, inFeatures: description.weight.inFeatures, bytes: kernel.bytes(description) };
    }
    case 'moe': {
      const kernel = selectedKernel<MoeKernel>(spec.name, request);
      return { kind: 'moe', moe: await kernel.prepare(description, request), bytes: kernel.bytes(description) };
    }
    case 'embedding': {
      const kernel = selectedKernel<EmbeddingKernel>(spec.name, request);
      const embedding = await kernel.prepare(description, request);
      return { kind: 'embedding', embedding, bytes: kernel.bytes(description) };
    }
    case 'kvCache': {
      const tokens = request.kvCache.blocks * request.kvCache.blockSize;
      const bytes = selectedKernel<KvCacheKernel>(spec.name, request).bytes(description) * tokens;
      const rounders = createRounders(description, request.numerics, await readTensors(description, request.bytes));
      return { kind: 'kvCache', cache: createPagedCache(description, request.kvCache, rounders), bytes };
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

/** Kernels are selected among those of the module's own kind. */
function selectedKernel<Kernel>(module: string, { selections }: CompileRequest): Kernel {
  return selections.get(module)!.kernel as Kernel;
}
