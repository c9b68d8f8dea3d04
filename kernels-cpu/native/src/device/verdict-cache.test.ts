import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { verdictCache } from './verdict-cache.ts';

const folder = mkdtempSync(join(tmpdir(), 'lowbit-verdict-'));
const binary = join(folder, 'addon.node');
const cacheFolder = join(folder, 'cache');
afterEach(() => rmSync(cacheFolder, { recursive: true, force: true }));

it('remembers a verdict until the binary changes', () => {
  writeFileSync(binary, 'one');
  expect(verdictCache(binary, cacheFolder).read()).toBeUndefined();
  verdictCache(binary, cacheFolder).write('avx2: wrong');
  expect(verdictCache(binary, cacheFolder).read()).toBe('avx2: wrong');
  writeFileSync(binary, 'two');
  expect(verdictCache(binary, cacheFolder).read()).toBeUndefined();
});

it('does without what it cannot read or write', () => {
  writeFileSync(binary, 'one');
  verdictCache(binary, cacheFolder).write('');
  const [file] = readdirSync(cacheFolder);
  writeFileSync(join(cacheFolder, file!), 'not JSON');
  expect(verdictCache(binary, cacheFolder).read()).toBeUndefined();
  const nowhere = verdictCache(binary, join(binary, 'cache'));
  nowhere.write('');
  expect(nowhere.read()).toBeUndefined();
});
