/// <reference types="@webgpu/types" />
import type { Refusal } from '@lowbit/core';
import { createPipelineCache } from '../gpu/pipeline-cache.ts';
import { describeAdapter, isSoftware } from './adapter-info.ts';
import { chooseAdapter, type WantedAdapter } from './choose-adapter.ts';
import { findGpu } from './find-gpu.ts';
import type { WebgpuDevice } from './webgpu-device.ts';

export type Opened =
  | { readonly kind: 'ready'; readonly device: WebgpuDevice }
  | { readonly kind: 'unavailable'; readonly refusal: Omit<Refusal, 'by'> };

/** What the shaders need; every WebGPU device has it, compatibility mode may not. */
const needed = {
  maxStorageBuffersPerShaderStage: 8,
  maxComputeInvocationsPerWorkgroup: 256,
  maxComputeWorkgroupStorageSize: 16384,
} as const satisfies Partial<Record<keyof GPUSupportedLimits, number>>;

/** Asked for at the adapter's own size: weights in few buffers, wide rows in one workgroup. */
const asLargeAsCanBe = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
] as const;

/**
 * Dawn ends the process at some later moment when the object of `create`, the adapter or the device is collected while
 * GPU work goes on, so each opened set is kept for as long as the process lives.
 */
const keptAlive: unknown[] = [];

export async function openDevice(wanted: WantedAdapter): Promise<Opened> {
  const found = await findGpu();
  if ('missing' in found) return { kind: 'unavailable', refusal: found.missing };
  const chosen = await chooseAdapter(found, wanted);
  if ('refusal' in chosen) return { kind: 'unavailable', refusal: chosen.refusal };
  const { adapter } = chosen;
  for (const [limit, least] of Object.entries(needed)) {
    const actual = adapter.limits[limit as keyof typeof needed];
    if (actual >= least) continue;
    const message = `${limit} is ${actual} on ${describeAdapter(adapter.info)}, needs ${least}`;
    return { kind: 'unavailable', refusal: { code: 'LIMIT', message } };
  }
  const requiredLimits = Object.fromEntries(asLargeAsCanBe.map((limit) => [limit, adapter.limits[limit]]));
  const subgroupSize = subgroupSizeOf(adapter);
  const requiredFeatures: GPUFeatureName[] = subgroupSize === undefined ? [] : ['subgroups'];
  const gpu = await adapter.requestDevice({ requiredLimits, requiredFeatures });
  keptAlive.push(found.gpu, chosen.gpu, adapter, gpu);

  let lost: string | undefined;
  gpu.lost.then(({ reason, message }) => {
    lost = message || reason;
  });
  // What is wrong with a command shows up here, and not where it was recorded.
  let fault: string | undefined;
  gpu.addEventListener('uncapturederror', (event) => {
    event.preventDefault();
    fault ??= event.error.message;
  });
  const device: WebgpuDevice = {
    kind: 'webgpu',
    name: describeAdapter(adapter.info),
    gpu,
    pipelines: createPipelineCache(gpu),
    packedDot: chosen.gpu.wgslLanguageFeatures?.has('packed_4x8_integer_dot_product') ?? false,
    ...(subgroupSize === undefined ? {} : { subgroupSize }),
    software: isSoftware(adapter.info),
    lost: () => lost,
    takeFault() {
      const message = fault;
      fault = undefined;
      return message;
    },
  };
  return { kind: 'ready', device };
}

/** Shaders are written for subgroups of one known size; a device may choose among several for each shader. */
function subgroupSizeOf({ features, info }: GPUAdapter): number | undefined {
  const { subgroupMinSize: least = 0, subgroupMaxSize: most } = info;
  return features?.has('subgroups') && least === most && least >= 4 && least <= 128 ? least : undefined;
}
