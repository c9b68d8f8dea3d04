// @ts-check

/** Runs this package's tests, those in C++ too, built to check addresses and undefined behaviour. GCC on Linux. */
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const repository = join(root, '..', '..');
execFileSync(process.execPath, [join(root, 'scripts', 'build-addon.mjs'), '--sanitize'], { stdio: 'inherit' });

const folder = join(root, 'build', 'sanitize');
execFileSync('cmake', ['--build', folder, '--parallel', '--target', 'linear-tests', 'operation-tests'], {
  stdio: 'inherit',
});
for (const program of [join('cpp', 'linear', 'linear-tests'), 'operation-tests']) {
  execFileSync(join(folder, program), {
    stdio: 'inherit',
    env: { ...process.env, UBSAN_OPTIONS: 'halt_on_error=1:print_stacktrace=1' },
  });
}

// Node itself is not built for the sanitizer, so that its library has to be there first. What Node leaks at exit is its own.
const library = execFileSync('g++', ['-print-file-name=libasan.so'], { encoding: 'utf8' }).trim();
const config = join(root, 'scripts', 'vitest.sanitize.config.ts');
const { status } = spawnSync(join(repository, 'node_modules', '.bin', 'vitest'), ['run', '--config', config], {
  cwd: repository,
  stdio: 'inherit',
  env: {
    ...process.env,
    LD_PRELOAD: library,
    ASAN_OPTIONS: 'detect_leaks=0',
    UBSAN_OPTIONS: 'halt_on_error=1:print_stacktrace=1',
  },
});
process.exitCode = status ?? 1;
