import type { Backend } from '@lowbit/core';
import type { NativeDevice } from './device/native-device.ts';
import { listDevices, probe } from './device/probe.ts';
import { compile } from './executable.ts';
import { experts } from './kernels/experts.ts';
import { linear } from './kernels/linear.ts';
import { paged } from './kernels/paged.ts';
import { table } from './kernels/table.ts';

/** C++ behind Node-API: every core, the widest instructions that the processor has, weights packed as they are loaded. */
export const native: Backend<NativeDevice> = {
  specificationVersion: 'v1',
  name: 'native',
  deviceKind: 'cpu',
  kernels: { linear: [linear], moe: [experts], embedding: [table], kvCache: [paged] },
  probe,
  listDevices,
  compile,
};
