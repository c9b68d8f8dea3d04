/** Continues a text on the GPU, chosen by itself or by name. */
import { openModel } from '@lowbit/runtime';
import { readArguments } from './arguments.ts';
import { chooseDevice } from './choose-device.ts';
import { registry } from './registry.ts';

const { folder, device, memoryLimit } = readArguments();
const model = await openModel(folder, {
  registry,
  device: device ?? (await chooseDevice(folder)),
  memoryLimit,
  // The same text on every device; leave it out to let the GPU approximate.
  numerics: 'exact',
});
try {
  const { backend, device, memory } = model.info;
  const mebibytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
  console.error(`${backend}, ${device}: weights ${mebibytes(memory.weights)}, KV cache ${mebibytes(memory.kvCache)}`);
  const prompt = 'The ship had been at sea for';
  process.stdout.write(prompt);
  for await (const { text } of model.generate({ prompt, sampling: { temperature: 0, maxTokens: 12 } })) {
    process.stdout.write(text);
  }
  console.log();
} finally {
  await model.close();
}
