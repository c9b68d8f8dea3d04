import type { Registry } from '@lowbit/core';
import knownPlugins from './known-plugins.json' with { type: 'json' };

/** What to do when no installed method reads a checkpoint. The list is collected from this repository's manifests. */
export function packageForMethod(quantMethod: string): string {
  const known = knownPlugins.methods.find((entry) => entry.quantMethod.includes(quantMethod));
  return known
    ? `Install it: npm install ${known.package} (libraries: pass it to createRegistry).`
    : `No package of lowbit's own reads ${quantMethod}; a plugin may: see docs/architecture.md on writing one.`;
}

/** What to do when no installed backend runs on a kind of device. */
export function packageForBackend(deviceKind: string, name: string | undefined): string {
  const known = knownPlugins.backends.filter(
    (entry) => entry.device === deviceKind && (name === undefined || entry.backend === name),
  );
  if (known.length > 0) {
    const packages = known.map((entry) => entry.package).join(' or ');
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
