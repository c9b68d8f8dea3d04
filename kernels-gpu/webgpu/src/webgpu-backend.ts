import type { Backend } from '@lowbit/core';
import type { AdapterKind } from './device/choose-adapter.ts';
import { listDevices } from './device/list-devices.ts';
import { createProbe } from './device/probe.ts';
import type { WebgpuDevice } from './device/webgpu-device.ts';
import { compile } from './executable.ts';
import { experts } from './kernels/experts.ts';
import { linear } from './kernels/linear.ts';
import { paged } from './kernels/paged.ts';
import { table } from './kernels/table.ts';

function webgpuBackend(name: AdapterKind): Backend<WebgpuDevice> {
  return {
    specificationVersion: 'v1',
    name,
    deviceKind: 'webgpu',
    ...(name === 'software' ? { byNameOnly: true } : {}),
    kernels: { linear: [linear], moe: [experts], embedding: [table], kvCache: [paged] },
    probe: createProbe(name),
    listDevices: () => listDevices(name),
    compile,
  };
}

/** WGSL on a GPU, in Node through the optional package `webgpu`, and in browsers. */
export const hardware: Backend = webgpuBackend('hardware');

/** The same on a driver in software, such as SwiftShader or lavapipe: for tests and for those who ask for it by name. */
export const software: Backend = webgpuBackend('software');
