/** Loads a checkpoint and continues a text. The installed plugins are found by themselves. */
import { fileURLToPath } from 'node:url';
import { discoverPlugins, openModel } from '@lowbit/runtime';

const example = fileURLToPath(new URL('../../../../models/dense-awq', import.meta.url));
const folder = process.argv[2] ?? example;

const { registry } = await discoverPlugins({ from: [import.meta.dirname] });
const model = await openModel(folder, { registry, device: 'cpu' });
try {
  const { text, usage, finish } = await model.complete({
    prompt: 'The ship had been at sea for',
    sampling: { temperature: 0.8, topP: 0.95, seed: 1, maxTokens: 40 },
  });
  console.log(text);
  console.log(`${usage.completionTokens} tokens; ended by ${finish.kind}`);
} finally {
  await model.close();
}
