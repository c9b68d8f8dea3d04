import {
  type Backend,
  type Device,
  type LazyBackend,
  LowbitError,
  MissingPluginError,
  type ProbeResult,
  type Refusal,
  type Registry,
} from '@lowbit/core';
import { packageForBackend } from './known-plugins.ts';

/** A backend that can run here. */
export interface ReadyBackend {
  readonly backend: Backend;
  readonly device: Device;
}

/** What one backend says when asked. `failed`: its package could not be loaded, or its probe broke its promise. */
export interface BackendProbe {
  /** `cpu:reference`. */
  readonly backend: string;
  /** The package it comes from. */
  readonly from: string;
  readonly result: ProbeResult | { readonly kind: 'failed'; readonly error: Error };
}

/**
 * Backends that `--device` may mean, best first: `cpu:reference` is that one; `cpu` is all of that kind, an oracle last.
 * @throws MissingPluginError naming the package to install
 */
export function candidateBackends(registry: Registry, device: string): readonly LazyBackend[] {
  const [kind = '', name] = device.split(':', 2);
  const ofKind = registry.backends.filter((entry) => entry.deviceKind === kind);
  const candidates = name === undefined ? oraclesLast(ofKind) : ofKind.filter((entry) => entry.name === name);
  if (candidates.length > 0) return candidates;
  throw new MissingPluginError({
    kind: 'backend',
    wanted: device,
    installed: registry.backends.map(nameOf),
    remedy: packageForBackend(kind, name),
  });
}

/** Loads and probes one backend; never throws. */
export async function probeBackend(entry: LazyBackend): Promise<BackendProbe & { readonly ready?: ReadyBackend }> {
  const named = { backend: nameOf(entry), from: entry.from };
  try {
    const backend = await entry.load();
    const result = await backend.probe();
    return { ...named, result, ...(result.kind === 'ready' ? { ready: { backend, device: result.device } } : {}) };
  } catch (error) {
    return { ...named, result: { kind: 'failed', error: error instanceof Error ? error : new Error(String(error)) } };
  }
}

/** Every backend in the registry and what it offers on this machine. */
export async function probeBackends(registry: Registry): Promise<readonly BackendProbe[]> {
  const probes: BackendProbe[] = [];
  for (const entry of registry.backends) {
    const { backend, from, result } = await probeBackend(entry);
    probes.push({ backend, from, result });
  }
  return probes;
}

/** A probe's "no" in the form that all refusals have. */
export function refusalOf({ backend, result }: BackendProbe): Refusal | undefined {
  if (result.kind === 'ready') return undefined;
  if (result.kind === 'unavailable') return { ...result.refusal, by: backend };
  const { error } = result;
  return {
    by: backend,
    code: LowbitError.isInstance(error) ? error.code : 'LOAD_FAILED',
    message: error.message,
  };
}

function nameOf({ deviceKind, name }: LazyBackend): string {
  return `${deviceKind}:${name}`;
}

function oraclesLast(entries: readonly LazyBackend[]): readonly LazyBackend[] {
  return [...entries.filter((entry) => !entry.oracle), ...entries.filter((entry) => entry.oracle)];
}
