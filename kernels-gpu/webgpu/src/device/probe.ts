import type { ProbeResult } from '@lowbit/core';
import { createDispatch } from '../gpu/dispatch.ts';
import { readBack } from '../gpu/read-back.ts';
import { storageBuffer } from '../gpu/storage-buffer.ts';
import type { AdapterKind, WantedAdapter } from './choose-adapter.ts';
import { type Opened, openDevice } from './open-device.ts';
import selfTest from './self-test.wgsl';
import type { WebgpuDevice } from './webgpu-device.ts';

/** Opens each device at most once, again when it was lost; computes something small on it and checks it. */
export function createProbe(kind: AdapterKind): (name?: string) => Promise<ProbeResult<WebgpuDevice>> {
  const openings = new Map<string | undefined, Promise<Opened>>();
  return async (name) => {
    const before = await openings.get(name);
    if (before?.kind !== 'ready' || before.device.lost() !== undefined) openings.set(name, openAndTest({ kind, name }));
    const opened = await openings.get(name)!;
    return opened.kind === 'ready' ? opened : { kind: 'unavailable', refusal: { by: kind, ...opened.refusal } };
  };
}

async function openAndTest(wanted: WantedAdapter): Promise<Opened> {
  try {
    const opened = await openDevice(wanted);
    if (opened.kind !== 'ready') return opened;
    const problem = await multiplySmall(opened.device);
    return problem === undefined
      ? opened
      : { kind: 'unavailable', refusal: { code: 'WRONG_RESULT', message: `${opened.device.name}: ${problem}` } };
  } catch (error) {
    const message = `the device could not be opened: ${error instanceof Error ? error.message : String(error)}`;
    return { kind: 'unavailable', refusal: { code: 'NO_DEVICE', message } };
  }
}

/** @returns what came out wrong */
async function multiplySmall(device: WebgpuDevice): Promise<string | undefined> {
  const input = storageBuffer(device, Float32Array.of(1, 2, 3, 4, 5, 6));
  const output = storageBuffer(device, 4);
  try {
    const dispatch = await createDispatch(device, {
      label: 'self-test',
      source: selfTest,
      bindings: { left: { buffer: input, type: 'f32' }, product: { buffer: output, type: 'f32', access: 'write' } },
      workgroups: () => [1],
    });
    const [product] = await readBack(device, output, 1, (pass) => dispatch.encode(pass, { rows: 1, logitRows: 0 }));
    return product === 32 ? undefined : `1*4 + 2*5 + 3*6 came out as ${product}, expected 32`;
  } finally {
    input.destroy();
    output.destroy();
  }
}
