import { cpus } from 'node:os';
import type { ProbeResult, Refusal } from '@lowbit/core';
import { type FoundAddon, findAddon } from '../addon/find-addon.ts';
import { loadAddon } from '../addon/load-addon.ts';
import type { NativeDevice } from './native-device.ts';
import { physicalCores } from './physical-cores.ts';
import { selfTest } from './self-test.ts';
import { verdictCache } from './verdict-cache.ts';

/** The device, once its addon has passed its self-test on this processor. */
export async function probe(): Promise<ProbeResult<NativeDevice>> {
  const refusal = await refuseAddon(findAddon());
  return refusal ? { kind: 'unavailable', refusal } : { kind: 'ready', device: nativeDevice() };
}

/** Why an addon cannot be used. The self-test runs once for each binary and processor. */
export async function refuseAddon(found: FoundAddon, cacheFolder?: string): Promise<Refusal | undefined> {
  if ('missing' in found) return refusal('NATIVE_ADDON', found.missing);
  const cache = verdictCache(found.path, cacheFolder);
  const known = cache.read();
  if (known !== undefined) return known === '' ? undefined : refusal('SELF_TEST', known);
  const result = await selfTest(found.path);
  if (result.kind === 'passed') cache.write('');
  else if (result.lasting) cache.write(result.reason);
  return result.kind === 'passed' ? undefined : refusal('SELF_TEST', result.reason);
}

function nativeDevice(): NativeDevice {
  const threads = physicalCores();
  const instructionSet = loadAddon().instructionSets().at(-1) ?? 'plain';
  const processor = cpus()[0]?.model.trim() || 'processor';
  const name = `${processor}, ${instructionSet}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`;
  return { kind: 'cpu', name, threads, instructionSet };
}

function refusal(code: string, message: string): Refusal {
  const hint = 'Use --device cpu:reference, or build the addon: cmake and a C++ compiler, then npm run build.';
  return { by: 'native', code, message, hint };
}
