import { expect, it } from 'vitest';
import type { WebgpuDevice } from './device/webgpu-device.ts';
import { smallBatch, smallDecoder } from './test-support/small-decoder.ts';
import { softwareDevice } from './test-support/software-device.ts';
import { software } from './webgpu-backend.ts';

/** Counts what a run asks of the device; gives the device's own methods back in the end. */
async function counted(device: WebgpuDevice, run: () => Promise<unknown>) {
  const calls = { dispatches: 0, submits: 0, writes: 0, buffers: 0, bindGroups: 0 };
  const { gpu } = device;
  const { queue } = gpu;
  const { createCommandEncoder, createBuffer, createBindGroup } = gpu;
  const { submit, writeBuffer } = queue;
  gpu.createCommandEncoder = (...encoderArguments) => {
    const encoder = createCommandEncoder.apply(gpu, encoderArguments);
    const { beginComputePass } = encoder;
    encoder.beginComputePass = (...passArguments) => {
      const pass = beginComputePass.apply(encoder, passArguments);
      const { dispatchWorkgroups } = pass;
      pass.dispatchWorkgroups = (...workgroups) => {
        calls.dispatches++;
        return dispatchWorkgroups.apply(pass, workgroups);
      };
      return pass;
    };
    return encoder;
  };
  gpu.createBuffer = (descriptor) => {
    calls.buffers++;
    return createBuffer.call(gpu, descriptor);
  };
  gpu.createBindGroup = (descriptor) => {
    calls.bindGroups++;
    return createBindGroup.call(gpu, descriptor);
  };
  queue.submit = (buffers) => {
    calls.submits++;
    return submit.call(queue, buffers);
  };
  queue.writeBuffer = (...writeArguments: Parameters<GPUQueue['writeBuffer']>) => {
    calls.writes++;
    return writeBuffer.apply(queue, writeArguments);
  };
  try {
    await run();
    return calls;
  } finally {
    Object.assign(gpu, { createCommandEncoder, createBuffer, createBindGroup });
    Object.assign(queue, { submit, writeBuffer });
  }
}

// Besides its layers: the embedding, the last norm, the head.
const around = 3;

it.for([
  // norm, q/k/v, heads and attention, output, norm, gate/up, silu, down
  { what: 'dense', perLayer: 8, options: {} },
  { what: 'dense with norms of heads', perLayer: 8, options: { headNorms: true } },
  // norm, q/k/v, heads and attention, output, norm, router, choice, gate, up, silu, down, sum of the experts
  { what: 'of experts', perLayer: 12, options: { experts: 4 } },
])('takes $perLayer dispatches a layer for a token, a model $what', async ({ perLayer, options }, context) => {
  const device = await softwareDevice(context);
  const layers = 3;
  const executable = await software.compile(smallDecoder(device, { layers, ...options }));
  await executable.run(smallBatch([{ start: 0, count: 20 }]));
  await executable.run(smallBatch([{ start: 20, count: 1 }]));
  const calls = await counted(device, () => executable.run(smallBatch([{ start: 21, count: 1 }])));
  expect(calls).toEqual({
    dispatches: around + perLayer * layers,
    submits: 1,
    // Token ids, positions and blocks, what RoPE turns by.
    writes: 3,
    buffers: 0,
    bindGroups: 0,
  });
  await executable.close();
});

it('submits a prompt at once', async (context) => {
  const device = await softwareDevice(context);
  const executable = await software.compile(smallDecoder(device, { layers: 3 }));
  const { dispatches, submits } = await counted(device, () => executable.run(smallBatch([{ start: 0, count: 100 }])));
  expect(submits).toBe(1);
  // Heads are placed in the cache before tiles of rows attend.
  expect(dispatches).toBe(around + 9 * 3);
  await executable.close();
});
