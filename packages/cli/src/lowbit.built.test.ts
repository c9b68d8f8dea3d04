import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const command = fileURLToPath(new URL('../bin/lowbit.js', import.meta.url));

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the built command as a shell would, away from any project. */
function start(argv: readonly string[]) {
  const child = spawn(process.execPath, [command, ...argv], { cwd: tmpdir(), env: { PATH: process.env.PATH } });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (data) => {
    stdout += data;
  });
  child.stderr.on('data', (data) => {
    stderr += data;
  });
  const ended = new Promise<Ended>((resolve) => child.on('close', (code) => resolve({ code, stdout, stderr })));
  return { child, ended };
}

describe('the built command', () => {
  it('finds plugins beside itself and runs the model that comes with it', async () => {
    const { code, stdout, stderr } = await start(['generate', '--max-tokens', '8', '--json', '--quiet']).ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const { model, usage } = JSON.parse(stdout);
    expect(model.path).toMatch(/dist.models.dense-awq$/);
    expect(usage.completionTokens).toBe(8);
  });

  it('ends with 2 for a wrong command line', async () => {
    expect(await start(['generate', '--nothing']).ended).toEqual({
      code: 2,
      stdout: '',
      stderr: "error: unknown option '--nothing'\n",
    });
  });

  it('ends with 130 after Ctrl-C, with the summary', async () => {
    const { child, ended } = start(['generate', '--max-tokens', '900', '--ignore-eos']);
    child.stdout.once('data', () => child.kill('SIGINT'));
    const { code, stderr } = await ended;
    expect(code).toBe(130);
    expect(stderr).toMatch(/stopped: /);
  });

  it('ends quietly where the reader of stdout goes away', async () => {
    const { child, ended } = start(['generate', '--max-tokens', '900', '--ignore-eos', '--quiet']);
    child.stdout.once('data', () => child.stdout.destroy());
    expect(await ended).toMatchObject({ code: 0, stderr: '' });
  });

  it('serves until SIGTERM', async () => {
    const { child, ended } = start([
      'serve',
      fileURLToPath(new URL('../dist/models/dense-awq', import.meta.url)),
      '--port',
      '0',
    ]);
    const url = await new Promise<string>((resolve) =>
      child.stdout.once('data', (data) => resolve(String(data).trim())),
    );
    expect((await fetch(`${url}/health`)).status).toBe(200);
    child.kill('SIGTERM');
    expect((await ended).code).toBe(0);
  });
});
