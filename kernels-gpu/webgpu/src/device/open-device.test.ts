import { afterEach, expect, it, vi } from 'vitest';
import { openDevice } from './open-device.ts';
import { createProbe } from './probe.ts';

afterEach(() => vi.unstubAllGlobals());

const enough = {
  maxStorageBuffersPerShaderStage: 8,
  maxComputeInvocationsPerWorkgroup: 256,
  maxComputeWorkgroupStorageSize: 16384,
};
const hardwareInfo = { vendor: 'acme', architecture: 'a1', device: '', description: '', isFallbackAdapter: false };
const softwareInfo = { ...hardwareInfo, description: 'SwiftShader driver', isFallbackAdapter: true };

function offer(adapter: object | null): void {
  vi.stubGlobal('navigator', { gpu: { requestAdapter: async () => adapter } });
}

it('says that there is no adapter', async () => {
  offer(null);
  expect(await openDevice({ kind: 'hardware' })).toEqual({
    kind: 'unavailable',
    refusal: {
      code: 'NO_ADAPTER',
      message: 'no WebGPU adapter: the system offers no GPU driver that fits',
      hint: "install the GPU vendor's driver; on Linux with Vulkan and its loader, libvulkan1",
    },
  });
});

it('leaves software to those who ask for it', async () => {
  offer({ info: softwareInfo, limits: enough });
  expect(await openDevice({ kind: 'hardware' })).toEqual({
    kind: 'unavailable',
    refusal: {
      code: 'SOFTWARE_ADAPTER',
      message: 'only a software adapter, SwiftShader driver, acme, a1, which is slower than the CPU backends',
      hint: 'to use it all the same, name it: webgpu:software',
    },
  });
});

it('leaves hardware to those who ask for it', async () => {
  offer({ info: hardwareInfo, limits: enough });
  expect(await openDevice({ kind: 'software' })).toMatchObject({
    refusal: { code: 'HARDWARE_ADAPTER', message: 'the adapter is a GPU, acme, a1' },
  });
});

it('says which limit is too low', async () => {
  offer({ info: hardwareInfo, limits: { ...enough, maxComputeInvocationsPerWorkgroup: 128 } });
  expect(await openDevice({ kind: 'hardware' })).toMatchObject({
    refusal: { code: 'LIMIT', message: 'maxComputeInvocationsPerWorkgroup is 128 on acme, a1, needs 256' },
  });
});

it('says why a device does not open, and asks again the next time', async () => {
  const requestDevice = vi.fn(() => Promise.reject(new Error('in use')));
  offer({ info: hardwareInfo, limits: enough, requestDevice });
  const probe = createProbe('hardware');
  const refusal = { by: 'hardware', code: 'NO_DEVICE', message: 'the device could not be opened: in use' };
  expect(await probe()).toEqual({ kind: 'unavailable', refusal });
  await probe();
  expect(requestDevice).toHaveBeenCalledTimes(2);
});
