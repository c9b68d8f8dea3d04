import {
  type Backend,
  createRegistry,
  type LazyBackend,
  type LazyMethod,
  LowbitError,
  MissingDependencyError,
  type QuantizationMethod,
  type Registry,
} from '@lowbit/core';
import { readPluginManifest } from './plugin-manifest.ts';
import { hasFiles } from './system.ts';

/** The plugins found, and a line on each package whose manifest could not be understood. */
export interface DiscoveredPlugins {
  readonly registry: Registry;
  readonly warnings: readonly string[];
}

/**
 * Finds installed plugins by the `lowbit` field of their manifests, in every `node_modules` from the given folders
 * upwards. Only `package.json` files are read; a plugin is imported when a checkpoint or device asks for it. The nearest
 * copy of a package wins.
 * @throws LowbitError PLUGIN_DISCOVERY in a browser
 */
export async function discoverPlugins(options: { readonly from: readonly string[] }): Promise<DiscoveredPlugins> {
  if (!hasFiles()) {
    throw new LowbitError({
      code: 'PLUGIN_DISCOVERY',
      message: 'a browser has no node_modules to discover plugins in',
      remedy: 'Import the plugins and pass them to createRegistry.',
    });
  }
  const methods: LazyMethod[] = [];
  const backends: LazyBackend[] = [];
  const warnings: string[] = [];
  const seen = new Set<string>();
  for (const folder of await nodeModulesAbove(options.from)) {
    for (const { name, path } of await packagesIn(folder)) {
      if (seen.has(name)) continue;
      const manifest = await readManifest(path);
      if (manifest === undefined) continue;
      seen.add(name);
      const { method, backends: ofPackage, problems } = readPluginManifest(manifest);
      for (const problem of problems) warnings.push(`${name}: the "lowbit" field of its package.json ${problem}`);
      const load = <Plugin>(exported: string) => importPlugin<Plugin>({ name, path, exported });
      if (method) methods.push({ ...method, from: name, load: () => load<QuantizationMethod>('default') });
      for (const { exported, ...backend } of ofPackage) {
        backends.push({ ...backend, from: name, load: () => load<Backend>(exported) });
      }
    }
  }
  return { registry: createRegistry({ methods, backends }), warnings };
}

async function nodeModulesAbove(folders: readonly string[]): Promise<readonly string[]> {
  const { dirname, join, resolve } = process.getBuiltinModule('node:path');
  const ancestors = (folder: string): readonly string[] =>
    dirname(folder) === folder ? [folder] : [folder, ...ancestors(dirname(folder))];
  const found = folders.flatMap((folder) =>
    ancestors(resolve(folder)).map((ancestor) => join(ancestor, 'node_modules')),
  );
  return [...new Set(found)];
}

async function packagesIn(nodeModules: string): Promise<readonly { name: string; path: string }[]> {
  const { readdir } = process.getBuiltinModule('node:fs/promises');
  const { join } = process.getBuiltinModule('node:path');
  const list = (folder: string) => readdir(folder).catch(() => []);
  const packages: { name: string; path: string }[] = [];
  for (const entry of await list(nodeModules)) {
    if (entry.startsWith('.')) continue;
    const names = entry.startsWith('@')
      ? (await list(join(nodeModules, entry))).map((name) => `${entry}/${name}`)
      : [entry];
    for (const name of names) packages.push({ name, path: join(nodeModules, name) });
  }
  return packages;
}

/** The `lowbit` field of a package; undefined where there is none. */
async function readManifest(path: string): Promise<unknown> {
  const { readFile } = process.getBuiltinModule('node:fs/promises');
  const { join } = process.getBuiltinModule('node:path');
  const text = await readFile(join(path, 'package.json'), 'utf8').catch(() => '');
  // Most packages are no plugins: a look at the text saves parsing them.
  if (!text.includes('"lowbit"')) return undefined;
  try {
    return (JSON.parse(text) as { lowbit?: unknown }).lowbit;
  } catch (error) {
    return `malformed: ${(error as Error).message}`;
  }
}

interface PluginPlace {
  readonly name: string;
  readonly path: string;
  /** Under which name the package exports it. */
  readonly exported: string;
}

async function importPlugin<Plugin>({ name, path, exported }: PluginPlace): Promise<Plugin> {
  try {
    const { createRequire } = process.getBuiltinModule('node:module');
    const { join } = process.getBuiltinModule('node:path');
    const { pathToFileURL } = process.getBuiltinModule('node:url');
    const entry = createRequire(join(path, 'package.json')).resolve(name);
    const module: Readonly<Record<string, Plugin>> = await import(pathToFileURL(entry).href);
    if (module[exported] === undefined) throw new Error(`it exports no ${JSON.stringify(exported)}`);
    return module[exported];
  } catch (cause) {
    throw new MissingDependencyError({
      dependency: name,
      neededBy: 'lowbit',
      remedy: `It is installed at ${path} but could not be loaded (${(cause as Error).message}); install it again.`,
      cause,
    });
  }
}
