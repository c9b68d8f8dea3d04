import { basename, join } from 'node:path';
import { createRegistry } from '@lowbit/core';
import native from '@lowbit/kernels-cpu';
import { verifyModel } from '@lowbit/runtime';
import { describe, expect, it } from 'vitest';
import { methodPackages } from './method-packages.ts';

const packages = await methodPackages();
const registry = createRegistry({ methods: packages.map(({ method }) => method), backends: [native] });
const probe = await native.probe();

/** The recorded runs of every fixture, on the native backend. */
describe.skipIf(probe.kind === 'unavailable').each(packages)('native: $name', ({ fixtures }) => {
  it.each(fixtures.map((fixture) => ({ fixture, label: basename(fixture) })))('$label', async ({ fixture }) => {
    const { records } = await verifyModel(fixture, { registry, against: join(fixture, 'golden.safetensors') });
    expect(records.filter(({ status }) => status === 'failed')).toEqual([]);
    expect(records.filter(({ status }) => status === 'passed')).not.toEqual([]);
  });
});
