// @ts-check

/**
 * Everything that must hold, in stages. Two stages run at a time where nothing orders them; the first failure shows its
 * output and ends the run. The last line counts: each test is one, and each check without tests (lint, types, ...) is one.
 *
 *   node tools/test.mjs [stage ...]        all stages, or those named, with what they need
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/**
 * @typedef {object} Stage
 * @property {string} name
 * @property {string} title
 * @property {readonly string[]} command name of a program in node_modules/.bin, and its arguments
 * @property {readonly string[]} [after] stages that must have passed
 * @property {boolean} [tests] runs vitest: count its tests
 * @property {boolean} [alone] fills the machine by itself
 */

/** @type {readonly Stage[]} */
const stages = [
  { name: 'lint', title: 'format and lint', command: ['biome', 'ci', '--colors=off', '.'] },
  { name: 'types', title: 'types', command: ['tsc', '--noEmit', '-p', 'tsconfig.json'] },
  {
    name: 'native',
    title: 'native CPU kernels',
    command: ['turbo', 'run', 'build:addon', '--output-logs=errors-only'],
  },
  { name: 'build', title: 'build all packages', command: ['turbo', 'run', 'build', '--output-logs=errors-only'] },
  { name: 'dead-code', title: 'unused files, exports, dependencies', command: ['knip', '--no-progress'] },
  { name: 'unit', title: 'unit and conformance tests', ...vitest('unit'), after: ['types', 'native'] },
  { name: 'webgpu', title: 'WebGPU kernels on a driver in software', ...vitest('webgpu'), after: ['unit'] },
  { name: 'built', title: 'built packages, packed installs, examples', ...vitest('built'), after: ['build', 'unit'] },
  { name: 'slow', title: 'perplexity and other long tests', ...vitest('slow'), after: ['built'] },
];

/** @param {string} project */
function vitest(project) {
  return { command: ['vitest', 'run', '--project', project], tests: true, alone: true };
}

const scratch = mkdtempSync(join(tmpdir(), 'lowbit-test-'));
const totals = { passed: 0, failed: 0, skipped: 0 };
try {
  await runAll(wantedStages(process.argv.slice(2)));
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
console.log(
  `\n${totals.passed} passed, ${totals.failed} failed${totals.skipped > 0 ? `, ${totals.skipped} skipped` : ''}`,
);
process.exitCode = totals.failed > 0 ? 1 : 0;

/**
 * @param {readonly string[]} names
 * @returns {readonly Stage[]}
 */
function wantedStages(names) {
  if (names.length === 0) return stages;
  const wanted = new Set(names);
  const unknown = names.filter((name) => !stages.some((stage) => stage.name === name));
  if (unknown.length > 0) {
    console.error(`no stage ${unknown.join(', ')}; stages: ${stages.map((stage) => stage.name).join(', ')}`);
    process.exit(2);
  }
  // The built tests alone need the build; other orders only put quick stages first.
  if (wanted.has('built')) wanted.add('build');
  // What the unit tests of the native kernels load.
  if (wanted.has('unit')) wanted.add('native');
  return stages.filter((stage) => wanted.has(stage.name));
}

/** @param {readonly Stage[]} all */
async function runAll(all) {
  const waiting = [...all];
  /** @type {Map<string, Promise<void>>} */
  const running = new Map();
  /** @type {Set<string>} */
  const done = new Set();
  let aloneRuns = false;
  while ((waiting.length > 0 && totals.failed === 0) || running.size > 0) {
    const ready = waiting.findIndex((stage) => {
      const blocked = (stage.after ?? []).some((name) => !done.has(name) && all.some((other) => other.name === name));
      return !blocked && !aloneRuns && running.size < (stage.alone ? 1 : 2);
    });
    if (ready >= 0 && totals.failed === 0) {
      const [stage] = waiting.splice(ready, 1);
      if (!stage) break;
      aloneRuns = stage.alone ?? false;
      running.set(
        stage.name,
        runStage(stage).then(() => {
          running.delete(stage.name);
          done.add(stage.name);
          aloneRuns = false;
        }),
      );
    } else {
      await Promise.race(running.values());
    }
  }
  if (waiting.length > 0) console.log(`\nnot run: ${waiting.map((stage) => stage.title).join('; ')}`);
}

/** @param {Stage} stage */
async function runStage({ name, title, command, tests }) {
  const begin = performance.now();
  const report = join(scratch, `${name}.json`);
  const reporters = tests ? ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`] : [];
  const { code, output } = await run(command[0] ?? '', [...command.slice(1), ...reporters]);
  const counts = tests
    ? countTests(report, code)
    : { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: [] };
  totals.passed += counts.passed;
  totals.failed += counts.failed;
  totals.skipped += counts.skipped.length;

  const seconds = ((performance.now() - begin) / 1000).toFixed(1);
  const numbers = tests ? `, ${counts.passed} passed` : '';
  console.log(`${counts.failed === 0 ? 'ok    ' : 'FAILED'}  ${title}${numbers} (${seconds} s)`);
  for (const skipped of counts.skipped) console.log(`        skipped: ${skipped}`);
  if (counts.failed > 0) console.log(`\n${command.join(' ')}\n\n${output}`);
}

/**
 * @param {string} report vitest's JSON
 * @param {number} code vitest's exit code
 */
function countTests(report, code) {
  const counts = { passed: 0, failed: 0, skipped: /** @type {string[]} */ ([]) };
  for (const file of readReport(report)) {
    for (const { status, fullName } of file.assertionResults) {
      if (status === 'passed') counts.passed += 1;
      else if (status === 'failed') counts.failed += 1;
      else counts.skipped.push(fullName);
    }
    // A file that fails outside its tests (it does not load, a hook throws) has no failed test to count.
    const failedTests = file.assertionResults.some(({ status }) => status === 'failed');
    if (file.status === 'failed' && !failedTests) counts.failed += 1;
  }
  // Unhandled errors fail the run and no test; no report at all is a failure too.
  if (code !== 0 && counts.failed === 0) counts.failed = 1;
  return counts;
}

/**
 * @param {string} report
 * @returns {{ status: string, assertionResults: { status: string, fullName: string }[] }[]}
 */
function readReport(report) {
  try {
    return JSON.parse(readFileSync(report, 'utf8')).testResults;
  } catch {
    return [];
  }
}

/**
 * @param {string} program
 * @param {readonly string[]} args
 * @returns {Promise<{ code: number, output: string }>}
 */
function run(program, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(join(root, 'node_modules', '.bin', program), args, {
      cwd: root,
      env: { ...process.env, NO_COLOR: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
      shell: process.platform === 'win32',
    });
    let output = '';
    child.stdout.on('data', (chunk) => {
      output += chunk;
    });
    child.stderr.on('data', (chunk) => {
      output += chunk;
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code: code ?? 1, output }));
  });
}
