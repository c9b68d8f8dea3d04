import { expect, it } from 'vitest';
import { recordCommands, timeCommands } from './gpu-commands.ts';

/** Writes down what reaches the device. */
function fakeDevice() {
  const log: string[] = [];
  const gpu = {
    createCommandEncoder: () => ({
      beginComputePass: () => ({
        setPipeline: ({ label }: { label: string }) => log.push(`pipeline ${label}`),
        setBindGroup: (index: number, group: string, offsets: number[]) =>
          log.push(`group ${index} ${group} ${offsets}`),
        dispatchWorkgroups: (...counts: number[]) => log.push(`dispatch ${counts}`),
        end: () => log.push('end'),
      }),
      finish: () => 'commands',
    }),
    queue: {
      submit: () => log.push('submit'),
      onSubmittedWorkDone: async () => {},
    },
  };
  return { gpu: gpu as unknown as GPUDevice, log };
}

function encode(gpu: GPUDevice): void {
  const encoder = gpu.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline({ label: 'first' } as GPUComputePipeline);
  pass.setBindGroup(0, 'a' as unknown as GPUBindGroup, [256]);
  pass.dispatchWorkgroups(3);
  pass.setBindGroup(0, 'b' as unknown as GPUBindGroup, [512]);
  pass.dispatchWorkgroups(4, 5);
  pass.end();
  gpu.queue.submit([encoder.finish()]);
}

it('records dispatches with what they are bound to, and counts submits', async () => {
  const { gpu, log } = fakeDevice();
  const { commands, submits } = await recordCommands(gpu, async () => encode(gpu));
  expect(commands.map(({ kernel }) => kernel)).toEqual(['first', 'first']);
  expect(submits).toBe(1);
  const during = log.splice(0);
  during.splice(0, (2 * during.length) / 3);
  expect(during).toEqual([
    'pipeline first',
    'group 0 a 256',
    'dispatch 3',
    'group 0 b 512',
    'dispatch 4,5',
    'end',
    'submit',
  ]);

  const pass = gpu.createCommandEncoder().beginComputePass();
  for (const command of commands) command.encode(pass);
  expect(log).toEqual([...during.slice(0, 3), 'pipeline first', ...during.slice(3, 5)]);
});

it('counts what is encoded ahead once', async () => {
  const { gpu } = fakeDevice();
  let ahead = false;
  const run = async () => {
    if (!ahead) encode(gpu);
    encode(gpu);
    ahead = true;
  };
  expect((await recordCommands(gpu, run)).commands).toHaveLength(2);
});

it('leaves the device as it was, also where the run fails', async () => {
  const { gpu } = fakeDevice();
  const before = { ...gpu, submit: gpu.queue.submit };
  let runs = 0;
  const failing = async () => {
    if (++runs > 2) throw new Error('lost');
  };
  await expect(recordCommands(gpu, failing)).rejects.toThrow('lost');
  expect({ ...gpu, submit: gpu.queue.submit }).toEqual(before);
});

it('times one round of many', async () => {
  const { gpu, log } = fakeDevice();
  const { commands } = await recordCommands(gpu, async () => encode(gpu));
  log.length = 0;
  const times = await timeCommands(gpu, commands, { samples: 3, least: 1 });
  expect(times).toHaveLength(3);
  // Each sample is one submit of many rounds.
  const dispatches = log.filter((line) => line.startsWith('dispatch')).length;
  expect(log.filter((line) => line === 'submit').length).toBeLessThan(dispatches / 4);
});
