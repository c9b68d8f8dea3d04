import { describe, expect, it } from 'vitest';
import { findViolations } from './import-rules.ts';
import { importsOf, type Manifest, type WorkspacePackage, workspacePackages } from './workspace.ts';

describe('import rules', () => {
  it('hold in the whole workspace', () => {
    const packages = workspacePackages();
    expect(packages.length).toBeGreaterThan(8);
    expect(findViolations(packages)).toEqual([]);
  });

  const core = made('core', {});
  const numerics = made('numerics', { dependencies: { '@lowbit/core': '*' } }, ["import '@lowbit/core'"]);

  it.each<[string, WorkspacePackage, string]>([
    [
      'a method that imports a kernel',
      made('awq', { lowbit: { method: 'awq' }, dependencies: { '@lowbit/kernels': '*' } }, [
        "import x from '@lowbit/kernels'",
      ]),
      'packages/awq/src/file-0.ts: imports @lowbit/kernels; a method package may not',
    ],
    [
      'a type from a forbidden package',
      made('safetensors', { dependencies: { '@lowbit/numerics': '*' } }, ["export type { A } from '@lowbit/numerics'"]),
      'packages/safetensors/src/file-0.ts: imports @lowbit/numerics; a safetensors package may not',
    ],
    [
      'a dynamic import of a forbidden package',
      made('server', { dependencies: { '@lowbit/numerics': '*' } }, ["const x = await import('@lowbit/numerics')"]),
      'packages/server/src/file-0.ts: imports @lowbit/numerics; a server package may not',
    ],
    [
      'a deep path',
      made('runtime', { dependencies: { '@lowbit/core': '*' } }, [
        "import '@lowbit/core'",
        "import '@lowbit/core/src/layout.ts'",
      ]),
      'packages/runtime/src/file-1.ts: imports @lowbit/core/src/layout.ts; import only @lowbit/core',
    ],
    [
      'a relative path out of the package',
      made('runtime', {}, ["import '../../core/src/index.ts'"]),
      "packages/runtime/src/file-0.ts: imports ../../core/src/index.ts outside its package; use the package's name",
    ],
    [
      'sources that import what only tests use',
      made('runtime', {}, ["import './test-support/model.ts'"]),
      'packages/runtime/src/file-0.ts: imports ./test-support/model.ts, which only tests may',
    ],
    [
      'a dependency that is used but not listed',
      made('runtime', {}, ["import '@lowbit/core'"]),
      'packages/runtime/src/file-0.ts: imports @lowbit/core, which its package.json does not list',
    ],
    [
      'a dependency that is listed but not used',
      made('runtime', { dependencies: { '@lowbit/core': '*' } }, []),
      '@lowbit/runtime: lists @lowbit/core as a dependency; no source imports it',
    ],
    [
      'a file system in a method',
      made('awq', { lowbit: { method: 'awq' } }, ["import { readFileSync } from 'node:fs'"]),
      'packages/awq/src/file-0.ts: imports node:fs; method packages are pure',
    ],
    [
      'a file system that a method asks for',
      made('awq', { lowbit: { method: 'awq' } }, ["process.getBuiltinModule('node:fs')"]),
      'packages/awq/src/file-0.ts: imports node:fs; method packages are pure',
    ],
    [
      'a dependency of core',
      made('core', { dependencies: { zod: '4' } }, ["import 'zod'"]),
      'packages/core/src/file-0.ts: imports zod; core depends on nothing',
    ],
  ])('find %s', (_, broken, violation) => {
    const others = [core, numerics, made('kernels', { lowbit: { backend: 'x' } }, [], 'kernels-cpu/kernels')];
    expect(findViolations([...others.filter(({ name }) => name !== broken.name), broken])).toContain(violation);
  });

  it('find a cycle between packages', () => {
    const a = made('server', { dependencies: { '@lowbit/runtime': '*' } }, ["import '@lowbit/runtime'"]);
    const b = made('runtime', { devDependencies: { '@lowbit/server': '*' } }, []);
    expect(findViolations([a, b])).toContain('cycle: @lowbit/server -> @lowbit/runtime -> @lowbit/server');
  });

  it('let tests use the testkit, the oracle and, over the runtime, a method', () => {
    const oracle = made('reference', { lowbit: { backend: 'reference', oracle: true } }, [], 'kernels-cpu/reference');
    const awq = made('awq', { lowbit: { method: 'awq' } });
    const imports = "import 'vitest'; import '@lowbit/reference'; import '@lowbit/awq';";
    const manifest = { devDependencies: { '@lowbit/reference': '*', '@lowbit/awq': '*' } };
    const runtime = made('runtime', manifest, [imports], 'packages/runtime', true);
    expect(findViolations([oracle, awq, runtime])).toEqual([]);
    const safetensors = made('safetensors', manifest, [imports], 'packages/safetensors', true);
    expect(findViolations([oracle, awq, safetensors])).toEqual([
      'packages/safetensors/src/file-0.test.ts: imports @lowbit/awq; a safetensors package may not',
    ]);
  });
});

function made(
  name: string,
  manifest: Partial<Manifest>,
  texts: readonly string[] = [],
  folder = `packages/${name}`,
  isTest = false,
): WorkspacePackage {
  const sources = texts.map((text, index) => ({
    path: `${folder}/src/file-${index}${isTest ? '.test' : ''}.ts`,
    isTest,
    imports: importsOf(text),
  }));
  return {
    name: `@lowbit/${name}`,
    folder,
    manifest: { name: `@lowbit/${name}`, version: '1.0.0', ...manifest },
    sources,
  };
}
