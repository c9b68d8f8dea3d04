/// <reference types="@webgpu/types" />
import type { Refusal } from '@lowbit/core';
import { createPipelineCache } from '../gpu/pipeline-cache.ts';
import { findGpu } from './find-gpu.ts';
import type { WebgpuDevice } from './webgpu-device.ts';

export type AdapterKind = 'hardware' | 'software';

export type Opened =
  | { readonly kind: 'ready'; readonly device: WebgpuDevice }
  | { readonly kind: 'unavailable'; readonly refusal: Omit<Refusal, 'by'> };

/** What the shaders need; every WebGPU device has it, compatibility mode may not. */
const needed = {
  maxStorageBuffersPerShaderStage: 8,
  maxComputeInvocationsPerWorkgroup: 256,
  maxComputeWorkgroupStorageSize: 16384,
} as const satisfies Partial<Record<keyof GPUSupportedLimits, number>>;

/** Asked for at the adapter's own size: weights in few buffers. */
const asLargeAsCanBe = ['maxBufferSize', 'maxStorageBufferBindingSize'] as const;

/**
 * Dawn ends the process at some later moment when the object of `create`, the adapter or the device is collected while
 * GPU work goes on, so each opened set is kept for as long as the process lives.
 */
const keptAlive: unknown[] = [];

export async function openDevice(wanted: AdapterKind): Promise<Opened> {
  const found = await findGpu();
  if ('missing' in found) return { kind: 'unavailable', refusal: found.missing };
  const adapter = await requestAdapter(found.gpu, wanted);
  if (!adapter) return refuse('NO_ADAPTER', 'no WebGPU adapter: the system offers no GPU driver that fits');
  const software = isSoftware(adapter.info);
  if (software !== (wanted === 'software')) {
    if (!software) return refuse('HARDWARE_ADAPTER', `the adapter is a GPU, ${describe(adapter.info)}`);
    const message = `only a software adapter, ${describe(adapter.info)}, which is slower than the CPU backends`;
    return refuse(
      'SOFTWARE_ADAPTER',
      message,
      'To use it all the same, register the export `software` of this package.',
    );
  }
  for (const [limit, least] of Object.entries(needed)) {
    const actual = adapter.limits[limit as keyof typeof needed];
    if (actual < least) return refuse('LIMIT', `${limit} is ${actual} on ${describe(adapter.info)}, needs ${least}`);
  }
  const requiredLimits = Object.fromEntries(asLargeAsCanBe.map((limit) => [limit, adapter.limits[limit]]));
  const gpu = await adapter.requestDevice({ requiredLimits });
  keptAlive.push(found.gpu, adapter, gpu);

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
    name: describe(adapter.info),
    gpu,
    pipelines: createPipelineCache(gpu),
    packedDot: found.gpu.wgslLanguageFeatures?.has('packed_4x8_integer_dot_product') ?? false,
    lost: () => lost,
    takeFault() {
      const message = fault;
      fault = undefined;
      return message;
    },
  };
  return { kind: 'ready', device };
}

/** A system may have both; whichever comes first is not always what was wanted. */
async function requestAdapter(gpu: GPU, wanted: AdapterKind): Promise<GPUAdapter | null> {
  const options: readonly GPURequestAdapterOptions[] =
    wanted === 'software' ? [{ forceFallbackAdapter: true }, {}] : [{ powerPreference: 'high-performance' }];
  let last: GPUAdapter | null = null;
  for (const option of options) {
    const adapter = await gpu.requestAdapter(option).catch(() => null);
    if (adapter && isSoftware(adapter.info) === (wanted === 'software')) return adapter;
    last = adapter ?? last;
  }
  return last;
}

function isSoftware(info: GPUAdapterInfo): boolean {
  return info.isFallbackAdapter || /swiftshader|llvmpipe|lavapipe|basic render/i.test(describe(info));
}

function describe({ vendor, architecture, device, description }: GPUAdapterInfo): string {
  return [...new Set([description || device, vendor, architecture])].filter((part) => part !== '').join(', ') || 'GPU';
}

function refuse(code: string, message: string, hint?: string): Opened {
  return { kind: 'unavailable', refusal: { code, message, ...(hint === undefined ? {} : { hint }) } };
}
