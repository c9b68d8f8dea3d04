// @ts-check

/**
 * The WebGPU backend on this machine's GPU, beside ONNX Runtime's WebGPU provider in the same run.
 *
 *   pnpm bench:gpu
 *   pnpm bench:gpu --sizes 8192 --rows 1 --shapes 1.1b --data-sheet 3350
 *   pnpm bench:gpu --bundle measure.mjs     only writes the program, one file, for a machine without this checkout
 */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'tsup';
import { installPackages } from '../npm.mjs';

const packages = ['webgpu@0.6.2', 'onnxruntime-node@1.30.0'];

const argv = process.argv.slice(2);
if (argv[0] === '--bundle') {
  await bundle(resolve(argv[1] ?? 'measure.mjs'));
} else {
  const folder = join(homedir(), '.cache/lowbit-bench/gpu');
  mkdirSync(folder, { recursive: true });
  if (!packages.every((name) => existsSync(join(folder, 'node_modules', name.slice(0, name.indexOf('@'))))))
    await installPackages(folder, packages);
  const program = join(folder, 'measure.mjs');
  await bundle(program);
  const output = join(folder, new Date().toISOString().replace(/[:.]/g, '-'));
  const child = spawn(process.execPath, [program, '--output', output, ...argv], { stdio: 'inherit' });
  child.on('exit', (code) => {
    if (code === 0) console.error(`written to ${output}`);
    process.exitCode = code ?? 1;
  });
}

/** @param {string} file */
async function bundle(file) {
  await build({
    config: false,
    entry: { [basename(file, '.mjs')]: fileURLToPath(new URL('measure.ts', import.meta.url)) },
    outDir: dirname(file),
    outExtension: () => ({ js: '.mjs' }),
    format: ['esm'],
    target: 'node20',
    platform: 'node',
    splitting: false,
    clean: false,
    silent: true,
    noExternal: [/.*/],
    loader: { '.wgsl': 'text' },
    define: { bundledCommit: JSON.stringify(commit()) },
    esbuildOptions(options) {
      options.conditions = ['@lowbit/source'];
    },
  });
}

function commit() {
  /** @param {readonly string[]} words */
  const git = (...words) => execFileSync('git', words, { cwd: import.meta.dirname, encoding: 'utf8' }).trim();
  try {
    const changed = git('status', '--porcelain', '--untracked-files=no') === '' ? '' : ' with changes';
    return `${git('rev-parse', '--short', 'HEAD')}${changed}`;
  } catch {
    return 'no commit';
  }
}
