import { execFile } from 'node:child_process';
import { cpus } from 'node:os';
import type { ProbeResult, Refusal } from '@lowbit/core';
import { findAddon } from '../addon/find-addon.ts';
import { loadAddon } from '../addon/load-addon.ts';
import type { NativeDevice } from './native-device.ts';
import { physicalCores } from './physical-cores.ts';
import { verdictCache } from './verdict-cache.ts';

/**
 * Lets a process of its own load the addon, compute something with every instruction set and check it: whatever is wrong
 * with a binary ends that process and not this one. Once for each binary and processor.
 */
export async function probe(): Promise<ProbeResult<NativeDevice>> {
  const found = findAddon();
  if ('missing' in found) return unavailable('NATIVE_ADDON', found.missing);
  const cache = verdictCache(found.path);
  let verdict = cache.read();
  if (verdict === undefined) {
    verdict = await selfTest(found.path);
    cache.write(verdict);
  }
  if (verdict !== '') return unavailable('SELF_TEST', verdict);
  return { kind: 'ready', device: nativeDevice() };
}

function nativeDevice(): NativeDevice {
  const threads = physicalCores();
  const instructionSet = loadAddon().instructionSets().at(-1) ?? 'plain';
  const processor = cpus()[0]?.model.trim() || 'processor';
  const name = `${processor}, ${instructionSet}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`;
  return { kind: 'cpu', name, threads, instructionSet };
}

/** @returns empty, or what went wrong */
function selfTest(path: string): Promise<string> {
  const script = 'process.stdout.write(JSON.stringify(require(process.argv[1]).selfTest()))';
  return new Promise((resolve) => {
    execFile(process.execPath, ['-e', script, path], { timeout: 30_000 }, (error, stdout, stderr) => {
      if (error) resolve(`the self-test of ${path} failed: ${lastLine(stderr) || error.message}`);
      else resolve(JSON.parse(stdout));
    });
  });
}

/** Node ends its report of an exception with its own version; before it stands the error. */
function lastLine(text: string): string {
  return (
    text
      .split('\n')
      .filter((line) => /\bError\b/.test(line))
      .at(-1)
      ?.trim() ?? ''
  );
}

function unavailable(code: string, message: string): { readonly kind: 'unavailable'; readonly refusal: Refusal } {
  const hint = 'Use --device cpu:reference, or build the addon: cmake and a C++ compiler, then npm run build.';
  return { kind: 'unavailable', refusal: { by: 'native', code, message, hint } };
}
