import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export type FoundAddon = { readonly path: string } | { readonly missing: string };

export interface Platform {
  readonly platform: string;
  readonly arch: string;
  /** Linux whose C library is not glibc. */
  readonly musl: boolean;
}

/** The prebuilt package of this platform if it is installed, else what was built here. */
export function findAddon(folder = packageFolder(), platform = thisPlatform()): FoundAddon {
  const name = prebuiltPackage(platform);
  try {
    return { path: createRequire(join(folder, 'package.json')).resolve(name) };
  } catch {
    // Not installed, as in a checkout.
  }
  const built = join(folder, 'build', 'lowbit-cpu.node');
  if (existsSync(built)) return { path: built };
  const reason = join(folder, 'build', 'why-not.txt');
  const why = existsSync(reason) ? `, and here ${readFileSync(reason, 'utf8').trim()}` : '';
  return { missing: `${name} is not installed${why}` };
}

/** `@lowbit/kernels-cpu-linux-x64`, with `-musl` where the C library is not glibc. */
export function prebuiltPackage({ platform, arch, musl }: Platform): string {
  return `@lowbit/kernels-cpu-${platform}-${arch}${musl ? '-musl' : ''}`;
}

function thisPlatform(): Platform {
  const { platform, arch } = process;
  return { platform, arch, musl: platform === 'linux' && isMusl() };
}

/** This file lies deeper in the sources than in the bundle. */
function packageFolder(): string {
  const inSources = import.meta.url.endsWith('/addon/find-addon.ts');
  return fileURLToPath(new URL(inSources ? '../..' : '..', import.meta.url));
}

/** `ldd` is a script that comes with the C library and names it; a report of the process would take a quarter second. */
function isMusl(): boolean {
  try {
    return readFileSync('/usr/bin/ldd', 'latin1').includes('musl');
  } catch {
    return false;
  }
}
