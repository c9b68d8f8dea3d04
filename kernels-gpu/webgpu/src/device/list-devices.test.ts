import { afterEach, expect, it, vi } from 'vitest';
import { software } from '../webgpu-backend.ts';
import { listDevices } from './list-devices.ts';

afterEach(() => vi.unstubAllGlobals());

const limits = {
  maxStorageBufferBindingSize: 2 ** 27,
  maxComputeWorkgroupStorageSize: 16384,
  maxComputeInvocationsPerWorkgroup: 256,
};
const info = { vendor: 'acme', architecture: 'a1', device: '', description: '', isFallbackAdapter: false };

it('says of each adapter what matters for the choice', async () => {
  const adapter = { info, limits, features: new Set(['shader-f16']) };
  vi.stubGlobal('navigator', { gpu: { requestAdapter: async () => adapter, wgslLanguageFeatures: new Set() } });
  expect(await listDevices('software')).toEqual([]);
  expect(await listDevices('hardware')).toEqual([
    {
      name: 'high-performance',
      facts: {
        vendor: 'acme',
        architecture: 'a1',
        driver: 'unknown',
        features: 'shader-f16, no subgroups, no packed dot products',
        limits: '128 MiB a binding, 16 KiB of workgroup memory, 256 invocations',
      },
    },
  ]);
});

it('lists none in a browser without WebGPU', async () => {
  vi.stubGlobal('navigator', {});
  vi.stubGlobal('process', undefined);
  expect(await listDevices('hardware')).toEqual([]);
});

it('lists the driver in software under the name that chooses it', async (context) => {
  const [device, ...others] = await software.listDevices!();
  if (!device) return context.skip('no software adapter');
  expect(others).toEqual([]);
  expect(device).toMatchObject({
    name: expect.stringMatching(/swiftshader|llvmpipe/i),
    facts: { features: expect.stringContaining('subgroups') },
  });
  expect(await software.probe(device.name.slice(1, -1).toUpperCase())).toMatchObject({ kind: 'ready' });
  expect(await software.probe('radeon')).toEqual({
    kind: 'unavailable',
    refusal: {
      by: 'software',
      code: 'ADAPTER_NAME',
      message: `no software adapter has "radeon" in its name; there are: ${device.name}`,
    },
  });
});
