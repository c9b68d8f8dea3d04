import type { MethodMatch, Registry } from '@lowbit/core';
import knownPlugins from './known-plugins.json' with { type: 'json' };

/** Methods of lowbit's own, by what their manifests say. They are here to be named: nothing can be loaded. */
export const knownMethods: Registry = {
  methods: knownPlugins.methods.map(({ package: from, method: name, match }) => ({
    name,
    match: match as MethodMatch,
    from,
    load: () => Promise.reject(new Error(`${from} is not installed`)),
  })),
  backends: [],
};

/** What to do when no installed backend runs on a kind of device. */
export function packageForBackend(deviceKind: string, name: string | undefined): string {
  const known = knownPlugins.backends.filter(
    (entry) => entry.device === deviceKind && (name === undefined || entry.backend === name),
  );
  if (known.length > 0) {
    const packages = [...new Set(known.map((entry) => entry.package))].join(' or ');
    return `Install it: npm install ${packages} (libraries: pass it to createRegistry).`;
  }
  const all = knownPlugins.backends.map((entry) => `${entry.device}:${entry.backend} (${entry.package})`);
  return `Backends of lowbit's own: ${all.join(', ')}.`;
}

/** A plugin of lowbit's own that a registry lacks. */
export interface MissingPlugin {
  readonly kind: 'method' | 'backend';
  /** `awq`, `cpu:reference`. */
  readonly name: string;
  readonly package: string;
}

/** The plugins of lowbit's own that a registry lacks. */
export function missingPlugins({ methods, backends }: Registry): readonly MissingPlugin[] {
  const missingMethods = knownPlugins.methods.filter(({ method }) => !methods.some(({ name }) => name === method));
  const missingBackends = knownPlugins.backends.filter(
    ({ device, backend }) => !backends.some((entry) => entry.deviceKind === device && entry.name === backend),
  );
  return [
    ...missingMethods.map((entry) => ({ kind: 'method', name: entry.method, package: entry.package }) as const),
    ...missingBackends.map(
      (entry) => ({ kind: 'backend', name: `${entry.device}:${entry.backend}`, package: entry.package }) as const,
    ),
  ];
}
