/// <reference types="@webgpu/types" />
import type { CompileRequest, ModuleDescription, ModuleSpec, Stored, TensorBytes } from '@lowbit/core';
import { decodeStored } from '@lowbit/numerics';
import { createCache, type DeviceCache } from '../cache/device-cache.ts';
import type { WebgpuDevice } from '../device/webgpu-device.ts';
import { storageBuffer } from '../gpu/storage-buffer.ts';
import { type DeviceLinear, loadLinear } from '../linear/device-linear.ts';
import { type DeviceExperts, loadExperts } from '../moe/device-experts.ts';
import type { DeviceWeight } from '../weights/device-weight.ts';
import { type LoadContext, loadWeight } from '../weights/load-weight.ts';

/** What the modules of a program became, by name and kind. */
export interface DeviceModules {
  readonly linears: Map<string, DeviceLinear>;
  readonly experts: Map<string, DeviceExperts>;
  readonly tables: Map<string, DeviceWeight>;
  readonly caches: Map<string, DeviceCache>;
  readonly vectors: Map<string, DeviceVector>;
}

/** A norm: weights, then biases; or a vector. */
export interface DeviceVector {
  readonly numbers: GPUBuffer;
  readonly biased: boolean;
  readonly bytes: number;
  release(): void;
}

export function noModules(): DeviceModules {
  return { linears: new Map(), experts: new Map(), tables: new Map(), caches: new Map(), vectors: new Map() };
}

export function releaseModules(modules: DeviceModules): void {
  for (const ofKind of Object.values(modules)) {
    for (const module of ofKind.values()) module.release();
    ofKind.clear();
  }
}

/** @returns bytes on the device */
export async function addModule(
  modules: DeviceModules,
  context: LoadContext,
  spec: ModuleSpec,
  description: ModuleDescription,
  { numerics, kvCache }: Pick<CompileRequest, 'numerics' | 'kvCache'>,
): Promise<number> {
  const { device, bytes } = context;
  const added = <Module extends { readonly bytes: number }>(to: Map<string, Module>, module: Module) => {
    to.set(spec.name, module);
    return module.bytes;
  };
  switch (description.kind) {
    case 'linear':
      return added(modules.linears, await loadLinear(context, spec.name, [description], numerics));
    case 'moe':
      return added(modules.experts, await loadExperts(context, description, numerics));
    case 'embedding':
      return added(modules.tables, await loadWeight(context, spec.name, [description.weight]));
    case 'kvCache':
      return added(modules.caches, await createCache(device, description, kvCache, numerics, bytes));
    case 'norm':
      return added(modules.vectors, await loadVector(device, spec, [description.weight, description.bias], bytes));
    case 'vector':
      return added(modules.vectors, await loadVector(device, spec, [description.vector], bytes));
  }
}

async function loadVector(
  device: WebgpuDevice,
  spec: ModuleSpec,
  parts: readonly (Stored | undefined)[],
  bytes: TensorBytes,
): Promise<DeviceVector> {
  const size = 'size' in spec ? spec.size : 0;
  const present = parts.filter((part) => part !== undefined);
  const numbers = new Float32Array(size * present.length);
  for (const [index, stored] of present.entries()) {
    numbers.set(decodeStored(stored, await bytes.read(stored.ref), [['out', size]]), index * size);
  }
  const buffer = storageBuffer(device, numbers, spec.name);
  return { numbers: buffer, biased: present.length > 1, bytes: numbers.byteLength, release: () => buffer.destroy() };
}
