import { basename, join } from 'node:path';
import { createRegistry, formatRefusal } from '@lowbit/core';
import native from '@lowbit/kernels-cpu';
import { verifyModel } from '@lowbit/runtime';
import { describe, expect, it } from 'vitest';
import { methodPackages } from './method-packages.ts';

const packages = await methodPackages();
const registry = createRegistry({ methods: packages.map(({ method }) => method), backends: [native] });
const probe = await native.probe();

/** The recorded runs of every fixture, on the native backend. */
describe.each(packages)('native: $name', ({ fixtures }) => {
  it.for(fixtures.map((fixture) => ({ fixture, label: basename(fixture) })))('$label', async ({ fixture }, context) => {
    if (probe.kind === 'unavailable') return context.skip(formatRefusal(probe.refusal));
    const { records } = await verifyModel(fixture, { registry, against: join(fixture, 'golden.safetensors') });
    expect(records.filter(({ status }) => status === 'failed')).toEqual([]);
    expect(records.filter(({ status }) => status === 'passed')).not.toEqual([]);
  });
});
