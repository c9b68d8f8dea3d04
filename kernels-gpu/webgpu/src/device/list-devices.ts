import type { ListedDevice } from '@lowbit/core';
import { adapterFacts, isSoftware } from './adapter-info.ts';
import type { AdapterKind } from './choose-adapter.ts';
import { findGpu } from './find-gpu.ts';
import { listAdapters } from './list-adapters.ts';

/** The adapters of a kind, by the names that choose them; none where there is no WebGPU. */
export async function listDevices(kind: AdapterKind): Promise<readonly ListedDevice[]> {
  const found = await findGpu();
  if ('missing' in found) return [];
  const adapters = await listAdapters(found);
  return adapters
    .filter(({ adapter }) => isSoftware(adapter.info) === (kind === 'software'))
    .map(({ name, gpu, adapter }) => ({ name, facts: adapterFacts(gpu, adapter) }));
}
