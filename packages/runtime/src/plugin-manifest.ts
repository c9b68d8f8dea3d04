import {
  type ConfigMatch,
  type FileMatch,
  isJsonObject,
  type JsonObject,
  type LazyBackend,
  type LazyMethod,
} from '@lowbit/core';

/** What a package says of its plugins. */
interface PluginManifest {
  readonly method?: Pick<LazyMethod, 'name' | 'match' | 'configFiles'>;
  readonly backends: readonly ManifestBackend[];
  /** Of what could not be understood, a clause each: `names neither a method nor a backend`. */
  readonly problems: readonly string[];
}

interface ManifestBackend extends Pick<LazyBackend, 'name' | 'deviceKind' | 'oracle' | 'byNameOnly'> {
  /** Under which name the package exports it. */
  readonly exported: string;
}

/**
 * Reads the `lowbit` field of a manifest: a method (`method`, `match`), one backend (`backend`, `device`), or several
 * (`backends`, a list of such objects, each with the name of its `export` where that is not the default one).
 */
export function readPluginManifest(manifest: unknown): PluginManifest {
  const problems: string[] = [];
  const none = { backends: [], problems: ['names neither a method nor a backend'] };
  if (!isJsonObject(manifest)) return none;
  const { method, match } = manifest;
  if (typeof method === 'string' && isJsonObject(match)) {
    return { method: readMethod(method, match, manifest.configFiles), backends: [], problems };
  }
  if (manifest.backends === undefined) {
    const { backend, device } = manifest;
    if (typeof backend !== 'string' || typeof device !== 'string') return none;
    return { backends: readBackend(manifest, '', problems), problems };
  }
  if (!Array.isArray(manifest.backends) || manifest.backends.length === 0) {
    return {
      backends: [],
      problems: [`has backends ${JSON.stringify(manifest.backends)}, expected a list of objects`],
    };
  }
  const backends = manifest.backends.flatMap((entry, index) => readBackend(entry, `backends[${index}]`, problems));
  return { backends, problems };
}

function readMethod(name: string, match: JsonObject, configFiles: unknown): NonNullable<PluginManifest['method']> {
  const files = objects<FileMatch>(match.files, ({ name, keys }) => typeof name === 'string' && Array.isArray(keys));
  const configs = objects<ConfigMatch>(match.configs, ({ quantMethod }) => typeof quantMethod === 'string');
  const quantMethod = strings(match.quantMethod);
  return { name, match: { quantMethod, configs, files }, configFiles: strings(configFiles) };
}

/** The backend of an entry; none, and a problem, where something is not as expected. */
function readBackend(entry: unknown, place: string, problems: string[]): readonly ManifestBackend[] {
  const object = isJsonObject(entry) ? entry : {};
  const { backend, device, oracle = false, byNameOnly = false, export: exported = 'default' } = object;
  const wrong = Object.entries({
    backend: isName(backend) || 'a name',
    device: isName(device) || 'a kind of device',
    oracle: typeof oracle === 'boolean' || 'true or false',
    byNameOnly: typeof byNameOnly === 'boolean' || 'true or false',
    export: (typeof exported === 'string' && exported !== '') || 'the name of an export',
  }).flatMap(([field, expected]) => {
    if (typeof expected === 'boolean') return [];
    const found = JSON.stringify(object[field]) ?? 'nothing';
    return [`has ${[place, field].filter(Boolean).join('.')} ${found}, expected ${expected}`];
  });
  problems.push(...wrong);
  if (wrong.length > 0) return [];
  return [{ name: backend, deviceKind: device, oracle, byNameOnly, exported } as ManifestBackend];
}

/** What may stand between the colons of `--device cpu:reference`. */
function isName(value: unknown): boolean {
  return typeof value === 'string' && /^[^:\s]+$/.test(value);
}

function strings(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

function objects<Entry>(value: unknown, check: (entry: JsonObject) => boolean): readonly Entry[] {
  return Array.isArray(value) ? value.filter((entry): entry is Entry => isJsonObject(entry) && check(entry)) : [];
}
