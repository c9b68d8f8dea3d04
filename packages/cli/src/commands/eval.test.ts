import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { fakeInfo, fakeRuntime } from '../test-support/fake-runtime.ts';
import { runCommand } from '../test-support/run-command.ts';

const cwd = mkdtempSync(join(tmpdir(), 'lowbit-eval-'));
writeFileSync(join(cwd, 'text.txt'), 'Some text.');
afterAll(() => rmSync(cwd, { recursive: true }));

const measuring = (windows: number) =>
  fakeRuntime({
    measurePerplexity: async (_model, text, { window = 0 }) => ({
      perplexity: 22.62614058254856,
      tokens: windows * (window - 1) + text.length - 10,
      window,
      windows,
    }),
  });

describe('lowbit eval', () => {
  it('prints the perplexity, and how it was measured', async () => {
    const { code, stdout, stderr } = await runCommand(['eval', '.', '--text', 'text.txt'], measuring(64), { cwd });
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'perplexity 22.62614058254856\n' });
    expect(stderr).toMatch(
      /^32704 tokens scored in 64 windows of 512, 0\.\d\d s; awq on cpu:reference, numerics faithful\n$/,
    );
  });

  it('hands on where and how the model runs', async () => {
    const runtime = measuring(64);
    const options = '--device cpu:reference --threads 3 --numerics exact --kv-cache-dtype f16';
    await runCommand(['eval', '.', '--text', 'text.txt', ...options.split(' ')], runtime, { cwd });
    const handedOn = { device: 'cpu:reference', threads: 3, numerics: 'exact', kvCacheType: 'f16' };
    expect(runtime.opened[0]?.options).toMatchObject(handedOn);
  });

  it('measures the checkpoint, not what a backend makes of it, unless told to', async () => {
    const runtime = measuring(64);
    await runCommand(['eval', '.', '--text', 'text.txt'], runtime, { cwd });
    await runCommand(['eval', '.', '--text', 'text.txt', '--numerics', 'fast'], runtime, { cwd });
    expect(runtime.opened.map(({ options }) => options.numerics)).toEqual(['faithful', 'fast']);
  });

  it('gives full precision with --json', async () => {
    const runtime = measuring(1);
    const argv = ['eval', '.', '--text', 'text.txt', '--window', '8', '--windows', '1', '--json'];
    const { stdout } = await runCommand(argv, runtime, { cwd });
    expect(JSON.parse(stdout)).toEqual({
      perplexity: 22.62614058254856,
      tokens: 7,
      window: 8,
      windows: 1,
      model: fakeInfo,
      seconds: expect.any(Number),
    });
    expect(runtime.closed).toBe(1);
  });

  it('says when the text ends early', async () => {
    const { stderr } = await runCommand(['eval', '.', '--text', 'text.txt', '--quiet'], measuring(3), { cwd });
    expect(stderr).toBe('warning: the text ends after 3 windows; 64 were asked for\n');
  });

  it('says when there is no text', async () => {
    const outcome = await runCommand(['eval', '.', '--text', 'none.txt'], measuring(3), { cwd });
    expect(outcome).toEqual({
      code: 2,
      stdout: '',
      stderr: `error: ${join(cwd, 'none.txt')}: expected a text file, found ENOENT\n`,
    });
  });
});
