import awq from '@lowbit/awq';
import { createRegistry } from '@lowbit/core';
import reference from '@lowbit/kernels-cpu-reference';
import { openModel } from '@lowbit/runtime';

const registry = createRegistry({ methods: [awq], backends: [reference] });
const model = await openModel(process.argv[2], { registry, device: 'cpu' });
const sampling = { temperature: 0, maxTokens: 16 };
for await (const chunk of model.generate({ prompt: 'The ship had been at sea for', sampling })) {
  process.stdout.write(chunk.text);
}
await model.close();
