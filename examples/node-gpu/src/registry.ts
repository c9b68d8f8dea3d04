import awq from '@lowbit/awq';
import { createRegistry } from '@lowbit/core';
import reference from '@lowbit/kernels-cpu-reference';
import webgpu, { software } from '@lowbit/kernels-webgpu';

/** What these programs can read, and where they can run it. */
export const registry = createRegistry({ methods: [awq], backends: [webgpu, software, reference] });
