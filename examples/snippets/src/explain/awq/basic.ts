/** Says what would run and why, before any weight is read. */
import { fileURLToPath } from 'node:url';
import { formatRefusal } from '@lowbit/core';
import { discoverPlugins, explainModel } from '@lowbit/runtime';

const example = fileURLToPath(new URL('../../../../models/dense-awq', import.meta.url));
const folder = process.argv[2] ?? example;

const { registry } = await discoverPlugins({ from: [import.meta.dirname] });
const explanation = await explainModel(folder, { registry, device: 'cpu' });

console.log(`${explanation.architecture}, ${explanation.method}, on ${explanation.backend} (${explanation.numerics})`);
for (const { module, scheme, rule, layout, kernel, refusals } of explanation.modules) {
  console.log(`${module}: ${scheme}${rule ? ` (${rule})` : ''}, ${layout}${kernel ? `, by ${kernel}` : ''}`);
  for (const refusal of refusals) console.log(`  not ${formatRefusal(refusal)}`);
}
const { stored, device, kvCachePerToken } = explanation.bytes;
console.log(`${stored} bytes on disk, ${device} on the device, ${kvCachePerToken} per token of KV cache`);
