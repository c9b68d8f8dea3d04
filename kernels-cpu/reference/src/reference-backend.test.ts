import { createRegistry } from '@lowbit/core';
import { expect, it } from 'vitest';
import plugin, { reference } from './index.ts';

it('is the default export of the package, and an oracle', async () => {
  expect(plugin).toBe(reference);
  const [entry] = createRegistry({ backends: [plugin] }).backends;
  expect(entry).toMatchObject({ name: 'reference', deviceKind: 'cpu', oracle: true });
  expect(await entry?.load()).toBe(reference);
});

it('finds a processor everywhere', async () => {
  const result = await reference.probe();
  expect(result).toMatchObject({ kind: 'ready', device: { kind: 'cpu' } });
});
