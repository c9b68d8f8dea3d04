import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { setup } from '../kernels-gpu/webgpu/src/test-support/software-driver.ts';
import { root } from './workspace.ts';

setup();
const driver = process.platform === 'linux' && process.arch === 'x64';
const where = driver ? '' : ' (skipped: the driver in software is for x86-64 Linux)';
const shippedModel = join(root, 'examples/models/dense-awq');
const fixture = join(root, 'packages/awq/src/__fixtures__/micro-llama-awq-gemv');
const golden = JSON.parse(readFileSync(join(shippedModel, 'golden.json'), 'utf8')) as { readonly greedy_text: string };
const timeout = 120_000;

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function run(program: string, args: readonly string[], env = process.env): Promise<Ended> {
  const running = promisify(execFile)(program, [...args], { cwd: root, env, timeout });
  return running.then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    ({ code, stdout, stderr }: Ended) => ({ code, stdout, stderr }),
  );
}

/** Starts a server, asks it to continue a text, and ends it. */
async function serveOnce(program: string, args: readonly string[]) {
  const server = spawn(program, args, { cwd: root });
  const ended = once(server, 'exit') as Promise<[number | null]>;
  let errors = '';
  server.stderr.on('data', (data) => {
    errors += data;
  });
  try {
    const [line] = (await Promise.race([once(server.stdout, 'data'), ended])) as [unknown];
    expect(String(line), errors).toMatch(/^http:/);
    const body = JSON.stringify({ prompt: 'The ship', max_tokens: 2, temperature: 0 });
    const headers = { 'Content-Type': 'application/json' };
    const answer = await fetch(`${String(line).trim()}/v1/completions`, { method: 'POST', headers, body });
    const { usage } = (await answer.json()) as { usage?: { completion_tokens: number } };
    return { usage, ended };
  } finally {
    server.kill('SIGTERM');
  }
}

describe.skipIf(!driver)(`lowbit --device webgpu:software${where}`, () => {
  const command = join(root, 'packages/cli/bin/lowbit.js');
  const lowbit = (...args: readonly string[]) => run(process.execPath, [command, ...args]);

  it('doctor lists both backends, one with its reason, one with its device', { timeout }, async () => {
    const { stdout } = await lowbit('doctor', '--json');
    const { backends } = JSON.parse(stdout) as { backends: { name: string }[] };
    const named = (name: string) => backends.find((backend) => backend.name === name);
    expect(named('webgpu:hardware')).toMatchObject({
      status: 'unavailable',
      reason: expect.stringMatching(/^hardware: only a software adapter, .* name it: webgpu:software\)$/),
      devices: [],
    });
    expect(named('webgpu:software')).toMatchObject({
      status: 'ready',
      device: { kind: 'webgpu', name: expect.stringMatching(/swiftshader/i) },
      devices: [{ name: expect.stringMatching(/swiftshader/i), facts: { features: expect.any(String) } }],
    });
  });

  it('takes it by its name only', { timeout }, async () => {
    const { code, stderr } = await lowbit('explain', shippedModel, '--device', 'webgpu');
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^error: no backend for webgpu can run this model\n {2}webgpu:hardware: only a software adapter/,
    );
    const named = await lowbit('explain', shippedModel, '--device', 'webgpu:software:swiftshader', '--json');
    expect(JSON.parse(named.stdout)).toMatchObject({ backend: 'webgpu:software', backendRefusals: [] });
  });

  it('generates, and refuses what needs more memory than allowed', { timeout }, async () => {
    const generate = ['generate', shippedModel, 'The ship had been at sea for', '--device', 'webgpu:software'];
    const short = ['--temperature', '0', '--max-tokens', '6', '--numerics', 'exact', '--json'];
    const { model, text } = JSON.parse((await lowbit(...generate, ...short)).stdout);
    expect(model.backend).toBe('webgpu:software');
    expect(golden.greedy_text.startsWith(text)).toBe(true);
    const { code, stderr } = await lowbit(...generate, '--memory-limit', '16MiB');
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^error: SwiftShader.* may hold 16 MiB, the model needs .*: weights .*, a KV cache of 4096 tokens .*\nA (KV cache|context) of at most \d+ tokens/,
    );
  });

  it('verifies', { timeout }, async () => {
    const against = join(fixture, 'golden.safetensors');
    const { stdout } = await lowbit('verify', fixture, '--against', against, '--device', 'webgpu:software', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ passed: true });
  });

  it('serves', { timeout }, async () => {
    const args = [command, 'serve', shippedModel, '--port', '0', '--device', 'webgpu:software'];
    const { usage, ended } = await serveOnce(process.execPath, args);
    expect(usage).toMatchObject({ completion_tokens: 2 });
    expect((await ended)[0]).toBe(0);
  });
});

describe('examples/node-gpu', () => {
  const folder = join(root, 'examples/node-gpu');
  const tsx = join(folder, 'node_modules/.bin/tsx');
  const program = (name: string) => join(folder, 'src', name);
  const shell = { ...process.env };

  it('generates on the processor where there is no GPU, and says why', { timeout }, async () => {
    const { VK_ICD_FILENAMES: _, LD_LIBRARY_PATH: __, ...bare } = shell;
    const { stdout, stderr } = await run(tsx, [program('generate.ts')], bare);
    expect(stdout.trimEnd()).toBe(`The ship had been at sea for${firstTokens(stdout)}`);
    // Whoever runs this may have a GPU. Dawn itself writes a line where there is no Vulkan.
    if (/^webgpu:hardware/m.test(stderr)) return;
    expect(stderr).toMatch(
      /^no backend for webgpu can run this model\n {2}webgpu:hardware: .+\nThe processor computes instead\.\ncpu:reference, /m,
    );
  });

  it.skipIf(!driver)(`lists adapters, with the names that choose them${where}`, { timeout }, async () => {
    const { stdout } = await run(tsx, [program('adapters.ts')]);
    expect(stdout).toMatch(/^webgpu:hardware: unavailable, hardware: only a software adapter, /);
    expect(stdout).toMatch(
      /\n {2}--device "webgpu:software:SwiftShader[^"]*"\n(?: {4}\w+: .+\n){5}cpu:reference: ready, /,
    );
  });

  it.skipIf(!driver)(`generates on the adapter that is named${where}`, { timeout }, async () => {
    const { stdout, stderr } = await run(tsx, [program('generate.ts'), '--device', 'webgpu:software:swift']);
    expect(stderr).toMatch(/^webgpu:software, SwiftShader.*: weights [\d.]+ MiB, KV cache [\d.]+ MiB\n$/);
    expect(stdout.trimEnd()).toBe(`The ship had been at sea for${firstTokens(stdout)}`);
  });

  it.skipIf(!driver)(`says which adapters there are where none has that name${where}`, { timeout }, async () => {
    const { code, stderr } = await run(tsx, [program('generate.ts'), '--device', 'webgpu:software:radeon']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/no software adapter has "radeon" in its name; there are: SwiftShader/);
  });

  it.skipIf(!driver)(`serves${where}`, { timeout }, async () => {
    const { usage, ended } = await serveOnce(tsx, [program('serve.ts'), '--device', 'webgpu:software']);
    expect(usage).toMatchObject({ completion_tokens: 2 });
    expect((await ended)[0]).toBe(0);
  });
});

/** As much of the recorded continuation as was printed; at least some words, or it proves nothing. */
function firstTokens(stdout: string): string {
  const printed = stdout.trimEnd().length - 'The ship had been at sea for'.length;
  expect(printed).toBeGreaterThan(20);
  return golden.greedy_text.slice(0, printed);
}
