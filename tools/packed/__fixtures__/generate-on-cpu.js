import awq from '@lowbit/awq';
import { createRegistry } from '@lowbit/core';
import native from '@lowbit/kernels-cpu';
import reference from '@lowbit/kernels-cpu-reference';
import { openModel } from '@lowbit/runtime';

const registry = createRegistry({ methods: [awq], backends: [native, reference] });
const model = await openModel(process.argv[2], { registry, device: 'cpu', numerics: 'faithful' });
const prompt = 'The ship had been at sea for';
const { text } = await model.complete({ prompt, sampling: { temperature: 0, maxTokens: 16 } });
const { backend, warnings } = model.info;
console.log(JSON.stringify({ text, backend, warnings }));
await model.close();
