import { createRegistry } from '@lowbit/core';
import type { BackendProbe } from '@lowbit/runtime';
import { describe, expect, it } from 'vitest';
import { fakeRuntime } from '../test-support/fake-runtime.ts';
import { runCommand } from '../test-support/run-command.ts';

const ready: BackendProbe = {
  backend: 'cpu:reference',
  from: '@lowbit/kernels-cpu-reference',
  result: { kind: 'ready', device: { kind: 'cpu', name: 'a processor' } },
};
const unavailable: BackendProbe = {
  backend: 'cuda:cuda',
  from: 'some-cuda',
  result: {
    kind: 'unavailable',
    refusal: { by: 'cuda', code: 'NO_DRIVER', message: 'no libcuda.so.1', hint: 'install it' },
  },
};
const failed: BackendProbe = {
  backend: 'cpu:odd',
  from: 'odd',
  result: { kind: 'failed', error: new Error('cannot be loaded') },
};

const machine = (...backends: readonly BackendProbe[]) =>
  fakeRuntime({
    probeBackends: async () => backends,
    discoverPlugins: async () => ({
      registry: createRegistry({
        methods: [
          { name: 'broken', from: 'some-broken', match: {}, load: () => Promise.reject(new Error('bad package')) },
        ],
      }),
      warnings: ['odd: names neither'],
    }),
  });

describe('lowbit doctor', () => {
  it('shows the machine, and every method and backend with its reason', async () => {
    const { code, stdout } = await runCommand(['doctor'], machine(ready, unavailable, failed));
    expect(code).toBe(0);
    expect(stdout).toContain(`node     ${process.version} on ${process.platform} ${process.arch}\n`);
    expect(stdout).toContain('warning  odd: names neither\n');
    expect(stdout).toMatch(/\nbroken {2}failed {2}some-broken {2}bad package\n/);
    expect(stdout).toMatch(/\ncpu:reference {2}ready {8}@lowbit\/kernels-cpu-reference {2}a processor\n/);
    expect(stdout).toMatch(/\ncuda:cuda {6}unavailable {2}some-cuda {22}cuda: no libcuda.so.1 \(install it\)\n/);
    expect(stdout).toMatch(/\ncpu:odd {8}failed {7}odd {28}cannot be loaded\n/);
  });

  it('shows what could be installed', async () => {
    const runtime = fakeRuntime({
      probeBackends: async () => [ready],
      missingPlugins: async () => [
        { kind: 'method', name: 'awq', package: '@lowbit/awq' },
        { kind: 'backend', name: 'cpu:quick', package: 'quick' },
      ],
    });
    const { code, stdout } = await runCommand(['doctor'], runtime);
    expect(code).toBe(0);
    expect(stdout).toMatch(/\nawq {5}not installed {2}@lowbit\/awq {2}npm install @lowbit\/awq\n/);
    expect(stdout).toMatch(/\ncpu:quick {6}not installed {2}quick {26}npm install quick\n/);
  });

  it('shows the devices of a backend under the names that choose them, as JSON too', async () => {
    const devices = [{ name: 'GeForce', facts: { vendor: 'nvidia', features: 'subgroups, no shader-f16' } }];
    const runtime = machine({ ...unavailable, devices }, ready);
    expect((await runCommand(['doctor'], runtime)).stdout).toContain(
      '\ncuda:cuda:GeForce\n  vendor    nvidia\n  features  subgroups, no shader-f16\n',
    );
    const { backends } = JSON.parse((await runCommand(['doctor', '--json'], runtime)).stdout);
    expect(backends[0]).toMatchObject({ name: 'cuda:cuda', status: 'unavailable', devices });
    expect(backends[1]).not.toHaveProperty('devices');
  });

  it('ends with 1 where nothing can run a model', async () => {
    expect(await runCommand(['doctor'], machine())).toMatchObject({
      code: 1,
      stderr:
        'error: expected a backend that can run models here, found none installed\nnpm install @lowbit/kernels-cpu-reference runs anywhere.\n',
    });
    expect((await runCommand(['doctor'], machine(failed))).stderr).toContain('found none ready');
  });

  it('prints the same as JSON', async () => {
    const { stdout } = await runCommand(['doctor', '--json'], machine(ready, unavailable));
    expect(JSON.parse(stdout)).toEqual({
      version: expect.any(String),
      node: process.version,
      platform: `${process.platform} ${process.arch}`,
      cpu: { model: expect.any(String), threads: expect.any(Number) },
      memory: { total: expect.any(Number), free: expect.any(Number) },
      methods: [{ name: 'broken', from: 'some-broken', status: 'failed', reason: 'bad package' }],
      backends: [
        {
          name: 'cpu:reference',
          from: '@lowbit/kernels-cpu-reference',
          status: 'ready',
          device: { kind: 'cpu', name: 'a processor' },
        },
        {
          name: 'cuda:cuda',
          from: 'some-cuda',
          status: 'unavailable',
          reason: 'cuda: no libcuda.so.1 (install it)',
        },
      ],
      warnings: ['odd: names neither'],
    });
  });
});
