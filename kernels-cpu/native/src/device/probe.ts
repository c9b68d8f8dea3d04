import { cpus } from 'node:os';
import type { ListedDevice, ProbeResult, Refusal } from '@lowbit/core';
import { type FoundAddon, findAddon } from '../addon/find-addon.ts';
import { loadAddon } from '../addon/load-addon.ts';
import type { NativeDevice } from './native-device.ts';
import { physicalCores } from './physical-cores.ts';
import { selfTest } from './self-test.ts';
import { verdictCache } from './verdict-cache.ts';

/**
 * The device, once its addon has passed its self-test on this processor.
 * @param wanted an instruction set by name: `avx2`; default: the fastest that the processor has
 */
export async function probe(wanted?: string): Promise<ProbeResult<NativeDevice>> {
  const addonRefusal = await refuseAddon(findAddon());
  if (addonRefusal) return { kind: 'unavailable', refusal: addonRefusal };
  const sets = loadAddon().instructionSets();
  const instructionSet = wanted ?? sets.at(-1) ?? 'plain';
  if (sets.includes(instructionSet)) return { kind: 'ready', device: nativeDevice(instructionSet) };
  const message = `no instruction set ${JSON.stringify(instructionSet)} here; there are: ${sets.join(', ')}`;
  return { kind: 'unavailable', refusal: { by: 'native', code: 'INSTRUCTION_SET', message } };
}

/** The processor with each of its instruction sets, the fastest first; none where the addon cannot be used. */
export async function listDevices(): Promise<readonly ListedDevice[]> {
  if (await refuseAddon(findAddon())) return [];
  return loadAddon()
    .instructionSets()
    .map((name) => ({ name, facts: {} }))
    .reverse();
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

function nativeDevice(instructionSet: string): NativeDevice {
  const threads = physicalCores();
  const processor = cpus()[0]?.model.trim() || 'processor';
  const name = `${processor}, ${instructionSet}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`;
  return { kind: 'cpu', name, threads, instructionSet };
}

function refusal(code: string, message: string): Refusal {
  const hint = 'Use --device cpu:reference, or build the addon: cmake and a C++ compiler, then npm run build.';
  return { by: 'native', code, message, hint };
}
