import { formatRefusal } from '@lowbit/core';
import type { TestContext } from 'vitest';
import { createProbe } from '../device/probe.ts';
import type { WebgpuDevice } from '../device/webgpu-device.ts';

const probe = createProbe('software');

/** The software device; skips the test, with the reason, where there is none. */
export async function softwareDevice(context: TestContext): Promise<WebgpuDevice> {
  const result = await probe();
  return result.kind === 'ready' ? result.device : context.skip(formatRefusal(result.refusal));
}
