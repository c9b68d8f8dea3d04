import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

/** What scripts/build-addon.mjs configured; the programs share its libraries. */
const folder = fileURLToPath(new URL('../build/release', import.meta.url));
const built = existsSync(join(folder, 'CMakeCache.txt'));

describe.skipIf(!built)(`C++ tests${built ? '' : ': skipped, the addon was not built here'}`, () => {
  it.each([
    ['linear-tests', join('cpp', 'linear', 'linear-tests')],
    ['operation-tests', 'operation-tests'],
  ])(
    '%s passes with every instruction set of this machine',
    (target, program) => {
      execFileSync('cmake', [folder], { stdio: 'pipe' });
      execFileSync('cmake', ['--build', folder, '--parallel', '--target', target], { stdio: 'pipe' });
      const { status, stdout } = spawnSync(join(folder, program), { encoding: 'utf8' });
      for (const line of stdout.split('\n').filter((line) => line.startsWith('skipped')))
        console.log(`${target} ${line}`);
      expect(status, stdout).toBe(0);
      expect(stdout.trimEnd().split('\n').at(-1)).toBe('all passed');
    },
    300_000,
  );
});
