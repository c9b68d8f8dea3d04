import { LowbitError, RefusedError } from '@lowbit/core';
import { describe, expect, it } from 'vitest';
import { fakeRuntime } from './test-support/fake-runtime.ts';
import { runCommand } from './test-support/run-command.ts';

const commands = ['generate', 'chat', 'serve', 'inspect', 'explain', 'verify', 'eval', 'doctor'];

describe('help', () => {
  it('lists every command, also without arguments', async () => {
    const [help, bare] = await Promise.all([runCommand(['--help'], undefined), runCommand([], undefined)]);
    expect(help).toEqual({ ...bare, code: 0, stderr: '' });
    for (const command of commands) expect(help.stdout).toContain(`\n  ${command} `);
  });

  it.each(commands)('%s has examples and --json', async (command) => {
    const { code, stdout } = await runCommand([command, '--help'], undefined);
    expect(code).toBe(0);
    expect(stdout).toMatch(/Examples:\n {2}\$ .*lowbit /);
    expect(stdout).toContain('--json');
  });

  it.each([
    [
      ['generate', 'chat', 'serve', 'bench', 'explain'],
      'default: fast; faithful where the checkpoint quantizes activations',
    ],
    [['eval'], 'default: "faithful"'],
    [['verify'], 'default: each record as it was made, never fast'],
  ])('%j say which numerics they take by themselves', async (names, text) => {
    for (const name of names) {
      const { stdout } = await runCommand([name, '--help'], undefined);
      expect(stdout.replace(/\s+/g, ' ')).toContain(text);
    }
  });

  it('prints the version alone', async () => {
    const { code, stdout } = await runCommand(['--version'], undefined);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\S*\n$/);
  });
});

describe('a wrong command line', () => {
  it.each([
    [['genrate'], "error: unknown command 'genrate'\n(Did you mean generate?)\n"],
    [['generate', '--temprature', '1'], "error: unknown option '--temprature'\n(Did you mean --temperature?)\n"],
    [['inspect'], "error: missing required argument 'model'\n"],
    [['verify', '.'], "error: required option '--against <file>' not specified\n"],
    [['doctor', 'all'], "error: too many arguments for 'doctor'. Expected 0 arguments but got 1.\n"],
    [
      ['generate', '--top-p', '1.5'],
      "error: option '--top-p <number>' argument '1.5' is invalid. Expected a number above 0 up to 1.\n",
    ],
    [
      ['generate', '--max-tokens', '1e3'],
      "error: option '--max-tokens <number>' argument '1e3' is invalid. Expected a whole number from 1.\n",
    ],
    [
      ['explain', '.', '--numerics', 'exakt'],
      "error: option '--numerics <numerics>' argument 'exakt' is invalid. Allowed choices are exact, faithful, fast.\n",
    ],
    ...['generate', 'chat', 'serve', 'explain', 'eval'].map((command): [string[], string] => [
      [command, '.', '--kv-cache-dtype', 'nvfp4'],
      "error: option '--kv-cache-dtype <dtype>' argument 'nvfp4' is invalid. Allowed choices are auto, f32, f16, bf16, bfloat16, fp8_e4m3, fp8_e5m2.\n",
    ]),
  ])('%j ends with 2', async (argv, stderr) => {
    expect(await runCommand(argv, undefined)).toEqual({ code: 2, stdout: '', stderr });
  });
});

describe('errors', () => {
  const failing = (error: unknown) => fakeRuntime({ inspectModel: () => Promise.reject(error) });

  it('are message and remedy, without a stack', async () => {
    const error = new LowbitError({ code: 'X', message: 'expected a, found b', remedy: 'Do c.' });
    const outcome = await runCommand(['inspect', '.'], failing(error));
    expect(outcome).toEqual({ code: 1, stdout: '', stderr: 'error: expected a, found b\nDo c.\n' });
  });

  it.each([
    [['--verbose'], {}],
    [[], { LOWBIT_DEBUG: '1' }],
  ])('have a stack and a cause with %j %j', async (flags, env) => {
    const error = new LowbitError({ code: 'X', message: 'outer', cause: new Error('inner') });
    const { stderr } = await runCommand(['inspect', '.', ...flags], failing(error), { env });
    expect(stderr).toContain('run.test.ts');
    expect(stderr).toContain('inner');
  });

  it('carry every refusal', async () => {
    const refusals = [{ by: 'cpu:native', code: 'NO_DEVICE', message: 'no AVX2', hint: 'use cpu:reference' }];
    const { stderr } = await runCommand(['inspect', '.'], failing(new RefusedError({ message: 'cannot', refusals })));
    expect(stderr).toBe('error: cannot\n  cpu:native: no AVX2 (use cpu:reference)\n');
  });

  it('that nobody foresaw say how to see more', async () => {
    const { code, stderr } = await runCommand(['inspect', '.'], failing(new TypeError('x is not a function')));
    expect(code).toBe(1);
    expect(stderr).toBe(
      'error: x is not a function\nThis was not foreseen. --verbose (or LOWBIT_DEBUG=1) shows where it happened.\n',
    );
  });

  it('cannot write control sequences to the terminal', async () => {
    const error = new LowbitError({ code: 'X', message: 'tensor \x1b[2Jevil\u009b' });
    const { stderr } = await runCommand(['inspect', '.'], failing(error));
    expect(stderr).toBe('error: tensor \\x1b[2Jevil\\x9b\n');
  });

  it('are red on a terminal, unless NO_COLOR is set', async () => {
    const error = new LowbitError({ code: 'X', message: 'm' });
    const coloured = await runCommand(['inspect', '.'], failing(error), { terminal: true });
    expect(coloured.stderr).toBe('\x1b[31merror:\x1b[39m m\n');
    const plain = await runCommand(['inspect', '.'], failing(error), { terminal: true, env: { NO_COLOR: '1' } });
    expect(plain.stderr).toBe('error: m\n');
  });

  it.each([
    [
      'no/where',
      'no/where: expected a checkpoint folder (config.json and *.safetensors), found no such folder\nlowbit reads local folders. To download a repository of that name: hf download no/where --local-dir where',
    ],
    [
      'package.json',
      'package.json: expected a checkpoint folder (config.json and *.safetensors), found a file, not a folder',
    ],
  ])('say that %s is no model folder', async (model, message) => {
    const cwd = new URL('..', import.meta.url).pathname;
    expect(await runCommand(['inspect', model], fakeRuntime(), { cwd })).toEqual({
      code: 1,
      stdout: '',
      stderr: `error: ${message}\n`,
    });
  });
});
