import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

export const root = fileURLToPath(new URL('..', import.meta.url));

export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly private?: boolean;
  readonly description?: string;
  readonly license?: string;
  readonly type?: string;
  readonly sideEffects?: boolean;
  readonly engines?: { readonly node?: string };
  readonly files?: readonly string[];
  readonly exports?: Readonly<Record<string, unknown>>;
  readonly publishConfig?: { readonly access?: string; readonly exports?: Readonly<Record<string, unknown>> };
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly lowbit?: Readonly<Record<string, unknown>>;
}

interface SourceFile {
  /** From the repository's root, with slashes. */
  readonly path: string;
  readonly isTest: boolean;
  /** Module specifiers it imports, types and dynamic imports included. */
  readonly imports: readonly string[];
}

export interface WorkspacePackage {
  readonly name: string;
  /** From the repository's root, with slashes. */
  readonly folder: string;
  readonly manifest: Manifest;
  readonly sources: readonly SourceFile[];
}

const workspaceFolders = ['packages', 'kernels-cpu', 'kernels-gpu', 'kernels-npu', 'examples', 'examples/plugins'];

/** Every package of the workspace, found by its manifest. */
export function workspacePackages(): readonly WorkspacePackage[] {
  return workspaceFolders
    .flatMap((parent) => readdirSync(join(root, parent)).map((name) => `${parent}/${name}`))
    .filter((folder) => existsSync(join(root, folder, 'package.json')))
    .map((folder) => {
      const manifest = readJson(`${folder}/package.json`) as Manifest;
      return { name: manifest.name, folder, manifest, sources: sourcesOf(folder) };
    });
}

/** Those that are published. */
export function publicPackages(): readonly WorkspacePackage[] {
  return workspacePackages().filter(({ manifest }) => !manifest.private);
}

interface ManifestBackend {
  readonly backend: string;
  readonly device: string;
  readonly export?: string;
}

/** The backends that a package's manifest names: one, or a list. */
export function manifestBackends({ lowbit = {} }: Manifest): readonly ManifestBackend[] {
  const list = lowbit.backends ?? (lowbit.backend === undefined ? [] : [lowbit]);
  return list as readonly ManifestBackend[];
}

function sourcesOf(folder: string): readonly SourceFile[] {
  const files = readdirSync(join(root, folder, 'src'), { recursive: true, encoding: 'utf8' });
  return files
    .map((file) => `${folder}/src/${file.replaceAll('\\', '/')}`)
    .filter((path) => /\.(ts|mts|js|mjs)$/.test(path))
    .map(readSource);
}

function readSource(path: string): SourceFile {
  const text = readFileSync(join(root, path), 'utf8');
  return { path, isTest: isTestPath(path), imports: importsOf(text) };
}

/** Tests, and what only tests use. */
export function isTestPath(path: string): boolean {
  return /\.test\.|\/(__fixtures__|test-support)\//.test(path);
}

/** Module specifiers in static, dynamic and type imports, re-exports, `require` and `process.getBuiltinModule`. */
export function importsOf(text: string): readonly string[] {
  const asked = text.matchAll(/getBuiltinModule\??\.?\('([^']+)'\)/g);
  return [
    ...ts.preProcessFile(text, true, true).importedFiles.map(({ fileName }) => fileName),
    ...Array.from(asked, ([, name = '']) => name),
  ];
}

export function readJson(path: string): unknown {
  return JSON.parse(readFileSync(join(root, path), 'utf8'));
}
