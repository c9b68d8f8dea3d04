/** Serves a model on this machine and talks to it with the OpenAI client. */
import { fileURLToPath } from 'node:url';
import { discoverPlugins, openModel } from '@lowbit/runtime';
import { startServer } from '@lowbit/server';
import OpenAI from 'openai';

const example = fileURLToPath(new URL('../../../../models/dense-awq', import.meta.url));
const folder = process.argv[2] ?? example;

const { registry } = await discoverPlugins({ from: [import.meta.dirname] });
// The example model was not trained on chats and has no template; one that joins the messages is honest.
const chatTemplate = folder === example ? '{% for message in messages %}{{ message.content }}{% endfor %}' : undefined;
const model = await openModel(folder, { registry, device: 'cpu', chatTemplate });
const server = await startServer({ model, port: 0, servedModelName: 'storyteller' });
try {
  const client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'none' });
  const stream = await client.chat.completions.create({
    model: 'storyteller',
    messages: [{ role: 'user', content: 'The old man opened the door and' }],
    max_tokens: 40,
    temperature: 0.8,
    seed: 3,
    stream: true,
  });
  for await (const chunk of stream) process.stdout.write(chunk.choices[0]?.delta.content ?? '');
  console.log();
} finally {
  await server.close();
  await model.close();
}
