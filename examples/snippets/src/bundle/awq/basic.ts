/**
 * Names its plugins, so that a bundler takes them along: in a bundle there is no node_modules to discover anything in.
 *
 *   esbuild basic.ts --bundle --platform=node --format=esm --outfile=app.mjs
 */
import awq from '@lowbit/awq';
import { createRegistry } from '@lowbit/core';
import reference from '@lowbit/kernels-cpu-reference';
import { openModel } from '@lowbit/runtime';

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error('usage: node app.mjs <checkpoint folder>');

const registry = createRegistry({ methods: [awq], backends: [reference] });
const model = await openModel(folder, { registry, device: 'cpu' });
try {
  const { text } = await model.complete({
    prompt: 'The ship had been at sea for',
    sampling: { temperature: 0, maxTokens: 12 },
  });
  console.log(text);
} finally {
  await model.close();
}
