import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { discoverPlugins } from './discover-plugins.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'lowbit-plugins-'));
});
afterEach(() => rm(root, { recursive: true }));

async function write(file: string, content: string): Promise<void> {
  await mkdir(dirname(join(root, file)), { recursive: true });
  await writeFile(join(root, file), content);
}

function install(folder: string, name: string, lowbit: unknown, code: string): Promise<unknown> {
  const manifest = { name, type: 'module', exports: './index.js', lowbit };
  return Promise.all([
    write(`${folder}/node_modules/${name}/package.json`, JSON.stringify(manifest)),
    write(`${folder}/node_modules/${name}/index.js`, code),
  ]);
}

const method = (version: string) =>
  `globalThis.lowbitTestImports = (globalThis.lowbitTestImports ?? 0) + 1;
   export default { specificationVersion: 'v1', name: 'tiny', from: '${version}', match: {}, parseConfig() {} };`;

describe('discoverPlugins', () => {
  it('finds methods and backends by their manifests, scoped or not, from the folder upwards', async () => {
    await install('.', '@acme/lowbit-tiny', { method: 'tiny', match: { quantMethod: ['tiny'] } }, method('1'));
    await install('app', 'lowbit-backend', { backend: 'fast', device: 'cpu' }, 'export default {}');
    await install('app', 'unrelated', undefined, 'throw new Error("imported")');
    const { registry, warnings } = await discoverPlugins({ from: [join(root, 'app/src')] });
    expect(registry.methods).toMatchObject([
      { name: 'tiny', from: '@acme/lowbit-tiny', match: { quantMethod: ['tiny'] } },
    ]);
    expect(registry.backends).toMatchObject([
      { name: 'fast', deviceKind: 'cpu', oracle: false, byNameOnly: false, from: 'lowbit-backend' },
    ]);
    expect(warnings).toEqual([]);
  });

  it('imports a plugin on first use only', async () => {
    await install('.', 'lowbit-tiny', { method: 'tiny', match: {} }, method('1'));
    const { registry } = await discoverPlugins({ from: [root] });
    const imports = () => (globalThis as { lowbitTestImports?: number }).lowbitTestImports ?? 0;
    const before = imports();
    const loaded = await registry.methods[0]!.load();
    await registry.methods[0]!.load();
    expect(loaded.name).toBe('tiny');
    expect(imports()).toBe(before + 1);
  });

  it('takes the nearest copy of a package', async () => {
    await install('.', 'lowbit-tiny', { method: 'tiny', match: {} }, method('far'));
    await install('app', 'lowbit-tiny', { method: 'tiny', match: {} }, method('near'));
    const { registry } = await discoverPlugins({ from: [join(root, 'app')] });
    expect(await registry.methods[0]!.load()).toMatchObject({ from: 'near' });
    expect(registry.methods).toHaveLength(1);
  });

  it('says which manifest it cannot understand', async () => {
    await install('.', 'lowbit-odd', { kernel: 'x' }, '');
    await write('node_modules/lowbit-broken/package.json', '{ "lowbit": ');
    const { registry, warnings } = await discoverPlugins({ from: [root] });
    expect(registry).toEqual({ methods: [], backends: [] });
    expect(warnings).toEqual([
      'lowbit-broken: the "lowbit" field of its package.json names neither a method nor a backend',
      'lowbit-odd: the "lowbit" field of its package.json names neither a method nor a backend',
    ]);
  });

  it('takes several backends of one package, each by its export', async () => {
    const backends = [
      { backend: 'fast', device: 'gpu' },
      { backend: 'slow', device: 'gpu', export: 'slow', byNameOnly: true },
      { backend: 'lost', device: 'gpu', export: 'lost' },
    ];
    const code = `const backend = (name) => ({ specificationVersion: 'v1', name, deviceKind: 'gpu' });
      export default backend('fast'); export const slow = backend('slow');`;
    await install('.', 'lowbit-gpus', { backends }, code);
    const { registry, warnings } = await discoverPlugins({ from: [root] });
    expect(warnings).toEqual([]);
    expect(registry.backends).toMatchObject([
      { name: 'fast', byNameOnly: false, from: 'lowbit-gpus' },
      { name: 'slow', byNameOnly: true, from: 'lowbit-gpus' },
      { name: 'lost' },
    ]);
    const [fast, slow, lost] = registry.backends;
    expect(await fast!.load()).toMatchObject({ name: 'fast' });
    expect(await slow!.load()).toMatchObject({ name: 'slow' });
    await expect(lost!.load()).rejects.toThrow('could not be loaded (it exports no "lost"); install it again.');
  });

  it('names a plugin that is installed and cannot be loaded, and keeps the cause', async () => {
    await install('.', 'lowbit-tiny', { method: 'tiny', match: {} }, 'import "not-installed-anywhere";');
    const { registry } = await discoverPlugins({ from: [root] });
    await expect(registry.methods[0]!.load()).rejects.toMatchObject({
      code: 'MISSING_DEPENDENCY',
      message: expect.stringContaining('lowbit needs lowbit-tiny, which could not be loaded'),
      cause: expect.objectContaining({ message: expect.stringContaining('not-installed-anywhere') }),
    });
  });
});
