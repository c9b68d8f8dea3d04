import {
  type Backend,
  type Device,
  type LazyBackend,
  type ListedDevice,
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
  /** What there is to choose from, where a backend tells. */
  readonly devices?: readonly ListedDevice[];
}

/** `webgpu:hardware:H100`, taken apart. */
interface WantedDevice {
  readonly kind: string;
  /** Of the backend; undefined for any of that kind. */
  readonly name: string | undefined;
  /** Which of the backend's devices. */
  readonly device: string | undefined;
}

export function parseDevice(text: string): WantedDevice {
  const [kind = '', name, ...rest] = text.split(':');
  return { kind, name, device: rest.length === 0 ? undefined : rest.join(':') };
}

/**
 * Backends that `--device` may mean, best first: `cpu:reference` is that one; `cpu` is all of that kind, an oracle last,
 * without those that want to be named.
 * @throws MissingPluginError naming the package to install, or the backend to name
 */
export function candidateBackends(registry: Registry, device: string): readonly LazyBackend[] {
  const { kind, name } = parseDevice(device);
  const ofKind = registry.backends.filter((entry) => entry.deviceKind === kind);
  const candidates =
    name === undefined
      ? oraclesLast(ofKind.filter((entry) => !entry.byNameOnly))
      : ofKind.filter((entry) => entry.name === name);
  if (candidates.length > 0) return candidates;
  const unnamed = name === undefined ? ofKind.map(nameOf) : [];
  throw new MissingPluginError({
    kind: 'backend',
    wanted: device,
    installed: registry.backends.map(nameOf),
    remedy:
      unnamed.length > 0
        ? `Name the backend: ${unnamed.join(' or ')} is chosen by its name only.`
        : packageForBackend(kind, name),
  });
}

/**
 * Loads and probes one backend; never throws.
 * @param device which of its devices
 */
export async function probeBackend(
  entry: LazyBackend,
  device?: string,
): Promise<BackendProbe & { readonly ready?: ReadyBackend }> {
  const named = { backend: nameOf(entry), from: entry.from };
  try {
    const backend = await entry.load();
    if (device !== undefined && !backend.listDevices) {
      const message = `device ${JSON.stringify(device)} was asked for, and this backend has one device only`;
      const refusal = { by: backend.name, code: 'ONE_DEVICE', message, hint: `--device ${named.backend}` };
      return { ...named, result: { kind: 'unavailable', refusal } };
    }
    const result = await backend.probe(device);
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
    const devices = await listDevices(entry);
    probes.push({ backend, from, result, ...(devices ? { devices } : {}) });
  }
  return probes;
}

/** Never throws: the probe has said what is wrong. */
async function listDevices(entry: LazyBackend): Promise<readonly ListedDevice[] | undefined> {
  try {
    return await (await entry.load()).listDevices?.();
  } catch {
    return undefined;
  }
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
