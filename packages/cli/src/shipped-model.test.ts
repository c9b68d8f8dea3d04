import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import awq from '@lowbit/awq';
import compressedTensors from '@lowbit/compressed-tensors';
import { createRegistry } from '@lowbit/core';
import reference from '@lowbit/kernels-cpu-reference';
import { describe, expect, it, onTestFinished } from 'vitest';
import { loadedOnUse } from './load-runtime.ts';
import type { Runtime } from './runtime.ts';
import { shippedModel } from './shipped-model.ts';
import { type RunOptions, runCommand } from './test-support/run-command.ts';

/** The real functions, with plugins from their sources. */
const runtime: Runtime = {
  ...loadedOnUse,
  discoverPlugins: async () => ({
    registry: createRegistry({ methods: [awq, compressedTensors], backends: [reference] }),
    warnings: [],
  }),
};
const model = shippedModel();
const golden = JSON.parse(readFileSync(join(model, 'golden.json'), 'utf8'));

const lowbit = (argv: readonly string[], options?: RunOptions) => runCommand([...argv, '--quiet'], runtime, options);

/** Each command on the model that comes with it, from checkpoint bytes to output. */
describe('with the shipped model', { timeout: 60_000 }, () => {
  it('generate continues as the reference run did', async () => {
    const argv = ['generate', '--temperature', '0', '--max-tokens', `${golden.greedy_ids.length}`, '--json'];
    const { code, stdout, stderr } = await lowbit(argv);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({
      prompt: golden.prompt,
      text: golden.greedy_text,
      tokenIds: golden.greedy_ids,
      usage: { promptTokens: golden.prompt_ids.length, completionTokens: golden.greedy_ids.length },
      model: { method: 'awq', backend: 'cpu:reference' },
    });
  });

  it('generate continues with the mixture of experts as the reference run did', async () => {
    const recorded = JSON.parse(readFileSync(join(shippedModel('moe'), 'golden.json'), 'utf8'));
    const argv = ['--model', 'moe', '--temperature', '0', '--max-tokens', `${recorded.greedy_ids.length}`, '--json'];
    const { code, stdout, stderr } = await lowbit(['generate', ...argv]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({
      text: recorded.greedy_text,
      tokenIds: recorded.greedy_ids,
      usage: { promptTokens: recorded.greedy_prompt_ids.length },
      model: { method: 'compressed-tensors', backend: 'cpu:reference' },
    });
  });

  it('verify agrees with what was recorded of the mixture of experts', async () => {
    const argv = ['verify', shippedModel('moe'), '--against', join(shippedModel('moe'), 'golden.safetensors')];
    expect(await lowbit(argv)).toMatchObject({ code: 0, stdout: expect.stringMatching(/\nlogits_0 +passed /) });
  });

  it('generate repeats itself with the same seed, and not with another', async () => {
    const tell = async (seed: string) => (await lowbit(['generate', '--max-tokens', '12', '--seed', seed])).stdout;
    const [first, same, other] = [await tell('1'), await tell('1'), await tell('2')];
    expect(same).toBe(first);
    expect(other).not.toBe(first);
  });

  it('generate stops before a stop string', async () => {
    const argv = ['generate', '--temperature', '0', '--stop', ' the ship', '--json'];
    const { text, finish } = JSON.parse((await lowbit(argv)).stdout);
    expect(text).toBe(' a long time, and');
    expect(finish).toEqual({ kind: 'stop', matched: ' the ship' });
  });

  it('chat goes on with the conversation', async () => {
    const { code, stdout } = await lowbit(['chat', '--temperature', '0', '--max-tokens', '4', '--json'], {
      stdin: 'It was a dark night.\nThe wind rose.\n',
    });
    expect(code).toBe(0);
    const [first, second] = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(second.usage.promptTokens).toBeGreaterThan(first.usage.promptTokens + first.usage.completionTokens);
  });

  it('inspect and explain agree with the checkpoint', async () => {
    const inspection = JSON.parse((await lowbit(['inspect', model, '--json'])).stdout);
    expect(inspection).toMatchObject({ quantMethod: 'awq', architecture: 'Qwen3ForCausalLM', modelType: 'qwen3' });
    const explanation = JSON.parse((await lowbit(['explain', model, '--json'])).stdout);
    const schemes = explanation.modules.filter(({ scheme }: { scheme: string }) => scheme !== 'unquantized');
    expect(schemes).toHaveLength(golden.quantized_modules);
    expect(explanation.bytes.stored).toBe(inspection.totalBytes);
  });

  it('explain reads well: layers stand together', async () => {
    const { stdout } = await lowbit(['explain', model]);
    expect(stdout).toMatch(/ {2}model\.layers\.\{0\.\.5\}\.self_attn\.q_proj +6 /);
    expect(stdout.split('\n').length).toBeLessThan(60);
  });

  it('verify agrees with the recorded numbers, and fails where nothing may differ', async () => {
    const argv = ['verify', model, '--against', join(model, 'golden.safetensors')];
    const { code, stdout } = await lowbit(argv);
    expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringMatching(/\nlogits_0 +passed /) });
    const strict = await lowbit([...argv, '--tolerance', '0']);
    expect(strict).toMatchObject({ code: 1, stderr: expect.stringMatching(/^error: logits_0 differs/) });
  });

  it('eval measures', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'lowbit-text-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const text = join(folder, 'text.txt');
    writeFileSync(text, 'The ship had been at sea for a long time, and the captain was tired of it. '.repeat(4));
    const argv = ['eval', model, '--text', text, '--window', '32', '--windows', '2', '--json'];
    const { perplexity, tokens } = JSON.parse((await lowbit(argv)).stdout);
    expect(tokens).toBe(62);
    expect(perplexity).toBeGreaterThan(1);
    expect(perplexity).toBeLessThan(4096);
  });

  it('serve answers until it is told to stop', async () => {
    let answer: Promise<unknown> | undefined;
    const { code, stdout } = await lowbit(['serve', model, '--port', '0', '--quantization', 'awq'], {
      onStdout(url, { send }) {
        answer = post(`${url.trim()}/generate`, {
          text: golden.prompt,
          sampling_params: { temperature: 0, max_new_tokens: 4 },
        });
        answer.finally(() => send('SIGTERM'));
      },
    });
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\n$/) });
    expect(await answer).toMatchObject({ text: ' a long time,' });
  });

  it('doctor finds what can run it', async () => {
    const { code, stdout } = await lowbit(['doctor', '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      methods: expect.arrayContaining([expect.objectContaining({ name: 'awq', status: 'ready' })]),
      backends: expect.arrayContaining([expect.objectContaining({ name: 'cpu:reference', status: 'ready' })]),
    });
  });
});

async function post(url: string, body: unknown): Promise<unknown> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return response.json();
}
