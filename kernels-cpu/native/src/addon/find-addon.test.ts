import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findAddon, prebuiltPackage } from './find-addon.ts';

const linux = { platform: 'linux', arch: 'x64', musl: false };
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lowbit-addon-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function install(name: string): string {
  const place = join(folder, 'node_modules', name);
  mkdirSync(place, { recursive: true });
  writeFileSync(join(place, 'package.json'), JSON.stringify({ name, main: 'lowbit-cpu.node' }));
  writeFileSync(join(place, 'lowbit-cpu.node'), '');
  return join(place, 'lowbit-cpu.node');
}

function build(file: string, text = ''): string {
  mkdirSync(join(folder, 'build'), { recursive: true });
  writeFileSync(join(folder, 'build', file), text);
  return join(folder, 'build', file);
}

describe('findAddon', () => {
  it('takes the prebuilt package before what was built here', () => {
    const built = build('lowbit-cpu.node');
    expect(findAddon(folder, linux)).toEqual({ path: built });
    const prebuilt = install('@lowbit/kernels-cpu-linux-x64');
    expect(findAddon(folder, linux)).toEqual({ path: prebuilt });
  });

  it('passes by a package whose binary is not there, as in the workspace', () => {
    rmSync(install('@lowbit/kernels-cpu-linux-x64'));
    expect(findAddon(folder, linux)).toEqual({ missing: '@lowbit/kernels-cpu-linux-x64 is not installed' });
  });

  it('says why nothing was built', () => {
    build('why-not.txt', 'there is no cmake\n');
    expect(findAddon(folder, linux)).toEqual({
      missing: '@lowbit/kernels-cpu-linux-x64 is not installed, and here there is no cmake',
    });
  });

  it('takes no package of another C library, processor or system', () => {
    install('@lowbit/kernels-cpu-linux-x64');
    const missing = (name: string) => ({ missing: `${name} is not installed` });
    expect(findAddon(folder, { ...linux, musl: true })).toEqual(missing('@lowbit/kernels-cpu-linux-x64-musl'));
    expect(findAddon(folder, { ...linux, arch: 'riscv64' })).toEqual(missing('@lowbit/kernels-cpu-linux-riscv64'));
    expect(findAddon(folder, { ...linux, platform: 'win32' })).toEqual(missing('@lowbit/kernels-cpu-win32-x64'));
  });
});

describe('prebuilt packages', () => {
  const root = fileURLToPath(new URL('../../', import.meta.url));
  const readManifest = (path: string) => JSON.parse(readFileSync(join(root, path, 'package.json'), 'utf8'));
  const names = readdirSync(join(root, 'prebuilt'));

  it.each(names)('%s installs where its name says, runs nothing, and is of this version', (key) => {
    const { name, version, os, cpu, libc, scripts, files, main } = readManifest(join('prebuilt', key));
    const [platform, arch] = [os[0], cpu[0]];
    expect(name).toBe(prebuiltPackage({ platform, arch, musl: libc[0] === 'musl' }));
    expect(key).toBe(name.replace('@lowbit/kernels-cpu-', ''));
    expect([os, cpu, libc, files].map((list) => list.length)).toEqual([1, 1, 1, 1]);
    expect(main).toBe(files[0]);
    expect(scripts).toBeUndefined();
    expect(version).toBe(readManifest('.').version);
  });

  it('are what the backend may install', () => {
    const { optionalDependencies, scripts } = readManifest('.');
    expect(Object.keys(optionalDependencies)).toEqual(names.map((key) => `@lowbit/kernels-cpu-${key}`));
    expect(Object.keys(scripts).filter((name) => /install/.test(name))).toEqual([]);
  });
});
