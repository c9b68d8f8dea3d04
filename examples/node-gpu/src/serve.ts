/** Serves a model on the GPU until Ctrl-C. */
import { once } from 'node:events';
import { openModel } from '@lowbit/runtime';
import { startServer } from '@lowbit/server';
import { readArguments } from './arguments.ts';
import { chooseDevice } from './choose-device.ts';
import { registry } from './registry.ts';

const { folder, device, memoryLimit } = readArguments();
const model = await openModel(folder, { registry, device: device ?? (await chooseDevice(folder)), memoryLimit });
const server = await startServer({ model, port: 0, servedModelName: 'storyteller' });
console.error(`${model.info.backend}, ${model.info.device}`);
console.log(server.url);
await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
await server.close();
await model.close();
