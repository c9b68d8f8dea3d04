import {
  type ElementType,
  type KvCacheDescription,
  LowbitError,
  quantizesCache,
  tensorsOf,
  type UnusedRule,
} from '@lowbit/core';
import type { KvCacheType } from '../open-options.ts';
import type { ReadyBackend } from './choose-backend.ts';
import type { DescribedModel, DescribedModule } from './describe-modules.ts';

const elementTypes: Readonly<Record<Exclude<KvCacheType, 'auto'>, ElementType>> = {
  f32: 'f32',
  f16: 'f16',
  bf16: 'bf16',
  fp8_e4m3: 'f8e4m3',
  fp8_e5m2: 'f8e5m2',
};

interface ModelWithCache extends DescribedModel {
  /** Tensors that the checkpoint has for its KV cache and this one does without. */
  readonly leftAside: ReadonlyMap<string, UnusedRule>;
}

/**
 * Gives every KV cache the wanted type. Scales of the checkpoint stay with 8-bit floats, and go with wider ones; without
 * them a scale is 1. Both are said.
 * @throws LowbitError KV_CACHE_TYPE for a type that there is not
 */
export function chooseKvCacheType(model: DescribedModel, wanted: KvCacheType = 'auto'): ModelWithCache {
  if (wanted === 'auto') return { ...model, leftAside: new Map() };
  const type = Object.hasOwn(elementTypes, wanted) ? elementTypes[wanted] : undefined;
  if (type === undefined) {
    throw new LowbitError({
      code: 'KV_CACHE_TYPE',
      message: `KV cache type ${wanted}: expected auto, ${Object.keys(elementTypes).join(', ')}`,
    });
  }
  const warnings = new Set(model.warnings);
  const leftAside = new Map<string, UnusedRule>();
  const modules = new Map<string, DescribedModule>();
  for (const [name, module] of model.modules) {
    const { description } = module;
    if (description.kind !== 'kvCache' || description.type === type) {
      modules.set(name, module);
      continue;
    }
    const replaced = replaceType(description, type, wanted);
    for (const warning of warningsOf(description, replaced, wanted)) warnings.add(warning);
    const kept = new Set(tensorsOf(replaced).map((ref) => ref.name));
    for (const ref of tensorsOf(description)) {
      if (kept.has(ref.name)) continue;
      const reason = `it belongs to a KV cache in ${description.type}, and ${wanted} was asked for`;
      leftAside.set(ref.name, { reason, matches: (tensor) => tensor === ref.name });
    }
    const rule = quantizesCache(type) ? {} : { rule: `${wanted} was asked for` };
    modules.set(name, { description: replaced, ...rule });
  }
  return { modules, warnings: [...warnings], leftAside };
}

/**
 * `auto` with numerics `fast`: f16 for every KV cache of which the checkpoint says nothing, where the backend has a kernel
 * for it.
 */
export function halveKvCaches(
  modules: ReadonlyMap<string, DescribedModule>,
  { backend, device }: ReadyBackend,
): ReadonlyMap<string, DescribedModule> {
  const halved = new Map(modules);
  for (const [name, { description, rule }] of modules) {
    if (description.kind !== 'kvCache' || description.scheme !== 'unquantized') continue;
    const half: KvCacheDescription = { ...description, type: 'f16' };
    if (backend.kernels.kvCache.every((kernel) => kernel.refuse(half, device, 'fast'))) continue;
    halved.set(name, { description: half, rule: [rule, 'f16 with numerics fast'].filter(Boolean).join('; ') });
  }
  return halved;
}

function replaceType(
  { quantization, ...description }: KvCacheDescription,
  type: ElementType,
  wanted: KvCacheType,
): KvCacheDescription {
  if (!quantizesCache(type)) return { ...description, type, scheme: 'unquantized' };
  // Floats have no zero points. A scale for integers serves floats too: whatever it divides stays far below their largest.
  const scales = quantization && { key: { scale: quantization.key.scale }, value: { scale: quantization.value.scale } };
  return { ...description, type, scheme: wanted, ...(scales ? { quantization: scales } : {}) };
}

function warningsOf(from: KvCacheDescription, to: KvCacheDescription, wanted: KvCacheType): readonly string[] {
  if (!quantizesCache(to.type)) {
    if (!quantizesCache(from.type)) return [];
    const scales = from.quantization ? '; its scales are left aside' : '';
    return [`the KV cache is kept as ${wanted}, as asked for, where the checkpoint wants ${from.type}${scales}`];
  }
  if (!to.quantization) {
    return [`the KV cache is kept as ${wanted} with a scale of 1: the checkpoint has no scales for it`];
  }
  if (!from.quantization?.key.zero && !from.quantization?.value.zero) return [];
  return [
    `the KV cache is kept as ${wanted}, as asked for; the checkpoint's zero points for ${from.type} are left aside`,
  ];
}
