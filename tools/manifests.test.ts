import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Backend, QuantizationMethod } from '@lowbit/core';
import { describe, expect, it } from 'vitest';
import { manifestBackends, publicPackages, readJson, root } from './workspace.ts';

const packages = publicPackages();
const rootManifest = readJson('package.json') as { license: string; engines: { node: string } };

describe.each(packages)('manifest of $name', ({ name, folder, manifest }) => {
  it('says what every package says', () => {
    expect(manifest).toMatchObject({
      license: rootManifest.license,
      engines: rootManifest.engines,
      type: 'module',
      sideEffects: false,
      description: expect.stringMatching(/\S/),
      files: expect.arrayContaining(['dist']),
      exports: { '.': { '@lowbit/source': './src/index.ts' } },
      publishConfig: { access: 'public', exports: { '.': { types: './dist/index.d.ts', default: './dist/index.js' } } },
    });
  });

  it('publishes what it exports here, less the sources', () => {
    const withoutSources = JSON.parse(JSON.stringify(manifest.exports), (key, value) =>
      key === '@lowbit/source' ? undefined : value,
    );
    expect(manifest.publishConfig?.exports).toEqual(withoutSources);
  });

  it('stands beside a README that names the package', () => {
    const readme = join(root, folder, 'README.md');
    expect(existsSync(readme), `${folder}/README.md is missing`).toBe(true);
    expect(readFileSync(readme, 'utf8')).toContain(name);
  });

  it('depends on other packages of the workspace by workspace:^, and on exact versions of the rest', () => {
    const all = { ...manifest.dependencies, ...manifest.optionalDependencies, ...manifest.devDependencies };
    for (const [dependency, version] of Object.entries(all)) {
      // What comes compiled belongs to one version.
      const compiled = dependency in (manifest.optionalDependencies ?? {});
      if (dependency.startsWith('@lowbit/')) expect(version, dependency).toBe(compiled ? 'workspace:*' : 'workspace:^');
      else expect(version, dependency).toMatch(/^\d+\.\d+\.\d+/);
    }
  });
});

describe.each(packages.filter(({ manifest }) => manifest.lowbit))('plugin $name', ({ folder, manifest }) => {
  it('says in its manifest what its exports say', async () => {
    const module: Readonly<Record<string, Backend | QuantizationMethod>> = await import(
      join(root, folder, 'src/index.ts')
    );
    const plugin = module.default!;
    expect(plugin.specificationVersion).toBe('v1');
    if (manifest.lowbit?.backends === undefined) {
      expect(manifest.lowbit).toEqual('parseConfig' in plugin ? methodManifest(plugin) : backendManifest(plugin));
      return;
    }
    const [first] = manifestBackends(manifest);
    expect(first?.export).toBeUndefined();
    const described = manifestBackends(manifest).map(({ export: exported }) => {
      const backend = module[exported ?? 'default'] as Backend;
      return { ...backendManifest(backend), ...(exported === undefined ? {} : { export: exported }) };
    });
    expect(manifest.lowbit.backends).toEqual(described);
  });
});

it('known-plugins.json lists the plugins of this repository (vitest -u brings it up to date)', async () => {
  const methods = packages.flatMap(({ name, manifest: { lowbit } }) =>
    lowbit?.method ? [{ package: name, method: lowbit.method, match: lowbit.match }] : [],
  );
  const backends = packages.flatMap(({ name, manifest }) =>
    manifestBackends(manifest).map(({ device, backend }) => ({ package: name, device, backend })),
  );
  const file = join(root, 'packages/runtime/src/plan/known-plugins.json');
  await expect(formatJson({ methods, backends })).toMatchFileSnapshot(file);
});

/** As the formatter does it: lists of texts on one line. */
function formatJson(value: unknown): string {
  const lines = JSON.stringify(value, null, 2);
  return `${lines.replace(/\[\s+("[^"]*"(?:,\s+"[^"]*")*)\s+\]/g, (_, texts: string) => `[${texts.replace(/\s+/g, ' ')}]`)}\n`;
}

function methodManifest({ name, match, configFiles }: QuantizationMethod): object {
  return JSON.parse(JSON.stringify({ method: name, match, configFiles }));
}

function backendManifest({ name, deviceKind, oracle, byNameOnly }: Backend): object {
  return JSON.parse(JSON.stringify({ backend: name, device: deviceKind, oracle, byNameOnly }));
}
