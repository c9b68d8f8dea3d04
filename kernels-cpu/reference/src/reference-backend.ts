import type { Backend } from '@lowbit/core';
import { dequantizeTable } from './embedding/dequantize.ts';
import { compile } from './executable.ts';
import { paged } from './kv-cache/paged.ts';
import { dequantize } from './linear/dequantize.ts';
import { experts } from './moe/experts.ts';
import { probe } from './reference-device.ts';

/** The oracle: runs everything that core can describe, anywhere that JavaScript runs, in the most obvious way. */
export const reference: Backend = {
  specificationVersion: 'v1',
  name: 'reference',
  deviceKind: 'cpu',
  oracle: true,
  kernels: { linear: [dequantize], moe: [experts], embedding: [dequantizeTable], kvCache: [paged] },
  probe,
  compile,
};
