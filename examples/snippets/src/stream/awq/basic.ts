/** Prints a continuation as it comes, and stops it from outside after the first sentence. */
import { fileURLToPath } from 'node:url';
import { discoverPlugins, openModel } from '@lowbit/runtime';

const example = fileURLToPath(new URL('../../../../models/dense-awq', import.meta.url));
const folder = process.argv[2] ?? example;

const { registry } = await discoverPlugins({ from: [import.meta.dirname] });
const model = await openModel(folder, { registry, device: 'cpu' });
const stop = new AbortController();
try {
  const request = { prompt: 'It was a dark night, and', sampling: { temperature: 0.8, topP: 0.95, seed: 2 } };
  for await (const chunk of model.generate({ ...request, signal: stop.signal })) {
    process.stdout.write(chunk.text);
    if (chunk.text.includes('.')) stop.abort();
    if (chunk.finish) console.log(`\n${chunk.usage.completionTokens} tokens; ended by ${chunk.finish.kind}`);
  }
} finally {
  await model.close();
}
