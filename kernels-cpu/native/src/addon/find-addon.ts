import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

export type FoundAddon = { readonly path: string } | { readonly missing: string };

/** The prebuilt package of this platform if it is installed, else what was built here. */
export function findAddon(): FoundAddon {
  const name = prebuiltPackage();
  try {
    return { path: createRequire(import.meta.url).resolve(name) };
  } catch {
    // Not installed, as in a checkout.
  }
  const built = fileURLToPath(new URL('../build/lowbit-cpu.node', packageFile()));
  if (existsSync(built)) return { path: built };
  const reason = fileURLToPath(new URL('../build/why-not.txt', packageFile()));
  const why = existsSync(reason) ? `, and here ${readFileSync(reason, 'utf8').trim()}` : '';
  return { missing: `${name} is not installed${why}` };
}

/** `@lowbit/kernels-cpu-linux-x64`, with `-musl` where the C library is not glibc. */
function prebuiltPackage(): string {
  const musl = process.platform === 'linux' && isMusl() ? '-musl' : '';
  return `@lowbit/kernels-cpu-${process.platform}-${process.arch}${musl}`;
}

/** A file one folder below the package: this one lies deeper in the sources than in the bundle. */
function packageFile(): URL {
  const inSources = import.meta.url.endsWith('/addon/find-addon.ts');
  return inSources ? new URL('..', import.meta.url) : new URL(import.meta.url);
}

/** `ldd` is a script that comes with the C library and names it; a report of the process would take a quarter second. */
function isMusl(): boolean {
  try {
    return readFileSync('/usr/bin/ldd', 'latin1').includes('musl');
  } catch {
    return false;
  }
}
