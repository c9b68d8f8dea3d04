import { discoverPlugins, openModel } from '@lowbit/runtime';

const { registry } = await discoverPlugins({ from: [import.meta.dirname] });
const model = await openModel(process.argv[2], { registry });
await model.close();
