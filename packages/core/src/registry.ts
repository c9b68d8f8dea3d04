import type { Backend } from './backend.ts';
import { type CheckpointMetadata, findQuantizationConfig, type JsonObject } from './checkpoint.ts';
import { LowbitError } from './errors/lowbit-error.ts';
import { matchName } from './match-name.ts';
import type { ConfigMatch, FileMatch, MethodMatch, QuantizationMethod } from './method.ts';

/** A method that is imported only when a checkpoint matches. */
export interface LazyMethod {
  readonly name: string;
  readonly match: MethodMatch;
  readonly configFiles?: readonly string[];
  /** The package it comes from, for messages. */
  readonly from: string;
  load(): Promise<QuantizationMethod>;
}

/** A backend that is imported only when its device is asked for. */
export interface LazyBackend {
  readonly name: string;
  readonly deviceKind: string;
  readonly oracle?: boolean;
  readonly byNameOnly?: boolean;
  readonly from: string;
  load(): Promise<Backend>;
}

/** The plugins at hand. Plain data: make one, pass it on; there is no global one. */
export interface Registry {
  readonly methods: readonly LazyMethod[];
  readonly backends: readonly LazyBackend[];
}

/**
 * Collects methods and backends, given as objects or to be loaded on first use.
 * @throws LowbitError when two methods, or two backends of one device kind, have the same name
 */
export function createRegistry(plugins: {
  readonly methods?: readonly (QuantizationMethod | LazyMethod)[];
  readonly backends?: readonly (Backend | LazyBackend)[];
}): Registry {
  const methods = (plugins.methods ?? []).map((method) => once('load' in method ? method : loadedMethod(method)));
  const backends = (plugins.backends ?? []).map((backend) =>
    once('load' in backend ? backend : loadedBackend(backend)),
  );
  rejectDuplicates('method', methods, (method) => method.name);
  rejectDuplicates('backend', backends, (backend) => `${backend.deviceKind}:${backend.name}`);
  return { methods, backends };
}

/** The method that wrote a checkpoint, by the data in its `match`; `undefined` where none claims it. */
export function findMethod(
  registry: Registry,
  checkpoint: Pick<CheckpointMetadata, 'config' | 'sideFiles'>,
): LazyMethod | undefined {
  const { methods } = registry;
  const { config, sideFiles } = checkpoint;
  const overriding = methods.find(({ match }) =>
    match.files?.some((file) => file.overrides && matchesFile(file, match, sideFiles)),
  );
  if (overriding) return overriding;
  const embedded = findQuantizationConfig(config)?.value ?? {};
  const named = quantMethodOf(embedded);
  if (named === undefined) {
    return methods.find(({ match }) => match.files?.some((file) => matchesFile(file, match, sideFiles)));
  }
  return (
    methods.find(({ match }) => match.configs?.some((wanted) => matchesConfig(wanted, embedded))) ??
    methods.find(({ match }) => namesMethod(match, named))
  );
}

function matchesFile(
  { name, keys }: FileMatch,
  match: MethodMatch,
  sideFiles: ReadonlyMap<string, JsonObject>,
): boolean {
  const pattern = { kind: 'glob', text: name } as const;
  return [...sideFiles].some(([fileName, file]) => {
    if (!matchName(pattern, fileName)) return false;
    const named = quantMethodOf(file);
    return named === undefined ? keys.every((key) => key in file) : namesMethod(match, named);
  });
}

function matchesConfig({ quantMethod, keys = [], values = {} }: ConfigMatch, config: JsonObject): boolean {
  return (
    quantMethodOf(config) === quantMethod.toLowerCase() &&
    keys.every((key) => key in config) &&
    Object.entries(values).every(([key, allowed]) => allowed.includes(String(config[key])))
  );
}

/** `quant_method` of a quantization config, in lower case. */
export function quantMethodOf(config: JsonObject): string | undefined {
  const value = config.quant_method;
  return typeof value === 'string' ? value.toLowerCase() : undefined;
}

function namesMethod(match: MethodMatch, quantMethod: string): boolean {
  return (match.quantMethod ?? []).some((name) => name.toLowerCase() === quantMethod);
}

function loadedMethod(method: QuantizationMethod): LazyMethod {
  const { name, match, configFiles = [] } = method;
  return { name, match, configFiles, from: name, load: async () => method };
}

function loadedBackend(backend: Backend): LazyBackend {
  const { name, deviceKind, oracle = false, byNameOnly = false } = backend;
  return { name, deviceKind, oracle, byNameOnly, from: name, load: async () => backend };
}

/** Loads at most once; checks that what came is a plugin this version understands. */
function once<Entry extends LazyMethod | LazyBackend>(entry: Entry): Entry {
  let loading: Promise<{ specificationVersion: string }> | undefined;
  const load = () => {
    loading ??= entry.load().then((plugin) => {
      if (plugin?.specificationVersion !== 'v1') {
        throw new LowbitError({
          code: 'PLUGIN_VERSION',
          message: `${entry.from}: expected a plugin with specificationVersion 'v1', found ${JSON.stringify(plugin?.specificationVersion ?? null)}`,
          remedy: `Install versions of ${entry.from} and of lowbit that belong together.`,
        });
      }
      return plugin;
    });
    return loading;
  };
  return { ...entry, load };
}

function rejectDuplicates<Entry extends { readonly from: string }>(
  kind: string,
  entries: readonly Entry[],
  nameOf: (entry: Entry) => string,
): void {
  const seen = new Map<string, Entry>();
  for (const entry of entries) {
    const name = nameOf(entry);
    const other = seen.get(name);
    if (other) {
      throw new LowbitError({
        code: 'DUPLICATE_PLUGIN',
        message: `two plugins provide the ${kind} ${JSON.stringify(name)}: ${other.from} and ${entry.from}`,
        remedy: 'Keep one of them.',
      });
    }
    seen.set(name, entry);
  }
}
