import { builtinModules } from 'node:module';
import { isTestPath, type Manifest, type WorkspacePackage } from './workspace.ts';

/** The rules know packages by what they are: each one of these, or any method, any backend's kernels, any example. */
type Layer =
  | 'core'
  | 'numerics'
  | 'safetensors'
  | 'testkit'
  | 'method'
  | 'kernels'
  | 'runtime'
  | 'browser'
  | 'server'
  | 'cli'
  | 'example';

/** Who may import whom. */
const mayImport: Readonly<Record<Layer, readonly Layer[]>> = {
  core: [],
  numerics: ['core'],
  safetensors: ['core'],
  testkit: ['core', 'numerics', 'safetensors'],
  method: ['core', 'numerics'],
  kernels: ['core', 'numerics'],
  runtime: ['core', 'numerics', 'safetensors'],
  browser: ['core', 'safetensors', 'runtime'],
  server: ['core', 'runtime'],
  cli: ['core', 'runtime', 'server'],
  example: ['core', 'numerics', 'safetensors', 'testkit', 'method', 'kernels', 'runtime', 'browser', 'server', 'cli'],
};

/** These describe and compute; they reach neither files nor the operating system. */
const pureLayers: readonly Layer[] = ['core', 'numerics', 'method'];

const testOnly = ['vitest', 'fast-check'];

/** Every import of the packages that breaks a rule, in words. */
export function findViolations(packages: readonly WorkspacePackage[]): readonly string[] {
  const byName = new Map(packages.map((one) => [one.name, one]));
  const violations: string[] = [];
  for (const from of packages) {
    for (const { path, isTest, imports } of from.sources) {
      const used = [...new Set(imports)];
      for (const specifier of used) {
        const problem = checkImport(specifier, { from, path, isTest, byName });
        if (problem) violations.push(`${path}: ${problem}`);
      }
    }
    violations.push(...checkDeclared(from, byName));
  }
  return [...violations, ...findCycles(packages)];
}

interface ImportSite {
  readonly from: WorkspacePackage;
  readonly path: string;
  readonly isTest: boolean;
  readonly byName: ReadonlyMap<string, WorkspacePackage>;
}

function checkImport(specifier: string, { from, path, isTest, byName }: ImportSite): string | undefined {
  const layer = layerOf(from);
  if (specifier.startsWith('.')) {
    const target = new URL(specifier, `file:///${path}`).pathname.slice(1);
    if (!isTest && isTestPath(target)) return `imports ${specifier}, which only tests may`;
    if (target.startsWith(`${from.folder}/`)) return undefined;
    return `imports ${specifier} outside its package; use the package's name`;
  }
  if (specifier.startsWith('node:') || builtinModules.includes(specifier)) {
    if (!specifier.startsWith('node:')) return `imports ${specifier}; write node:${specifier}`;
    if (pureLayers.includes(layer) && !isTest) return `imports ${specifier}; ${layer} packages are pure`;
    return undefined;
  }
  const name = packageNameOf(specifier);
  const target = byName.get(name);
  if (!target) {
    if (layer === 'core' && !isTest) return `imports ${name}; core depends on nothing`;
    if (isTest && testOnly.includes(name)) return undefined;
    return isDeclared(from.manifest, name, isTest)
      ? undefined
      : `imports ${name}, which its package.json does not list`;
  }
  if (specifier !== name) return `imports ${specifier}; import only ${name}`;
  if (target === from) return `imports its own package by name`;
  if (!allowed(from, target, isTest)) return `imports ${name}; a ${layer} package may not`;
  return isDeclared(from.manifest, name, isTest) ? undefined : `imports ${name}, which its package.json does not list`;
}

function allowed(from: WorkspacePackage, target: WorkspacePackage, isTest: boolean): boolean {
  const layer = layerOf(from);
  const wanted = layerOf(target);
  if (mayImport[layer].includes(wanted)) return true;
  if (!isTest) return false;
  if (wanted === 'testkit' || target.manifest.lowbit?.oracle === true) return true;
  return wanted === 'method' && ['runtime', 'browser', 'server', 'cli'].includes(layer);
}

/** Workspace packages that are listed and not imported. A plugin may be there to be discovered by tests. */
function checkDeclared(
  { name, manifest, sources }: WorkspacePackage,
  byName: ReadonlyMap<string, WorkspacePackage>,
): readonly string[] {
  const importedBy = (files: WorkspacePackage['sources']) =>
    new Set(files.flatMap((file) => file.imports.map(packageNameOf)));
  const inSources = importedBy(sources.filter((file) => !file.isTest));
  const inTests = importedBy(sources);
  const listed = (list: object | undefined) => Object.keys(list ?? {}).filter((dependency) => byName.has(dependency));
  return [
    ...listed(manifest.dependencies)
      .filter((dependency) => !inSources.has(dependency))
      .map((dependency) => `${name}: lists ${dependency} as a dependency; no source imports it`),
    ...listed(manifest.devDependencies)
      .filter((dependency) => !inTests.has(dependency) && !byName.get(dependency)?.manifest.lowbit)
      .map((dependency) => `${name}: lists ${dependency} for development; nothing imports it`),
  ];
}

function isDeclared(manifest: Manifest, name: string, isTest: boolean): boolean {
  const { dependencies, peerDependencies, optionalDependencies, devDependencies } = manifest;
  const lists = [dependencies, peerDependencies, optionalDependencies, ...(isTest ? [devDependencies] : [])];
  return lists.some((list) => list !== undefined && Object.hasOwn(list, name));
}

/** Cycles in what packages depend on, for development included: a build could not order them. */
function findCycles(packages: readonly WorkspacePackage[]): string[] {
  const dependencies = new Map(
    packages.map(({ name, manifest }) => [
      name,
      Object.keys({ ...manifest.dependencies, ...manifest.devDependencies }),
    ]),
  );
  const finished = new Set<string>();
  const cycles: string[] = [];
  function visit(name: string, path: readonly string[]): void {
    if (path.includes(name)) {
      cycles.push(`cycle: ${[...path.slice(path.indexOf(name)), name].join(' -> ')}`);
      return;
    }
    if (finished.has(name)) return;
    for (const next of dependencies.get(name) ?? []) visit(next, [...path, name]);
    finished.add(name);
  }
  for (const { name } of packages) visit(name, []);
  return cycles;
}

function layerOf({ name, folder, manifest }: WorkspacePackage): Layer {
  if (folder.startsWith('examples/')) return 'example';
  if (manifest.lowbit && 'method' in manifest.lowbit) return 'method';
  if (folder.startsWith('kernels-')) return 'kernels';
  const layer = name.replace('@lowbit/', '');
  if (layer in mayImport) return layer as Layer;
  throw new Error(`${name}: no layer; say in tools/import-rules.ts what it may import`);
}

function packageNameOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}
