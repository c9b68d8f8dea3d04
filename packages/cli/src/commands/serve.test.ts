import type { Explanation } from '@lowbit/runtime';
import { describe, expect, it } from 'vitest';
import type { Runtime } from '../runtime.ts';
import { fakeInfo, fakeRuntime } from '../test-support/fake-runtime.ts';
import { runCommand, type User } from '../test-support/run-command.ts';

type ServeOptions = Parameters<Runtime['startServer']>[0];

/** A server that runs until its signal. */
function servingRuntime() {
  const started: ServeOptions[] = [];
  const runtime = fakeRuntime({
    explainModel: async (folder) =>
      ({ method: 'awq', aliases: ['awq_marlin', 'marlin'], path: String(folder) }) as unknown as Explanation,
    startServer: async (options) => {
      started.push(options);
      const { host, port = 0, signal } = options;
      const closed = new Promise<void>((resolve) => signal?.addEventListener('abort', () => resolve()));
      return { url: `http://${host}:${port}`, port, closed, close: () => closed };
    },
  });
  return { runtime, started };
}

const stopWhenReady = { onStdout: (_written: string, { send }: User) => send('SIGTERM') };

describe('lowbit serve', () => {
  it('prints the URL when ready, and ends with 0 after a signal', async () => {
    const { runtime, started } = servingRuntime();
    const { code, stdout } = await runCommand(['serve', '.'], runtime, stopWhenReady);
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'http://127.0.0.1:30000\n' });
    expect(started[0]).toMatchObject({ host: '127.0.0.1', port: 30_000, apiKey: undefined });
    expect(runtime.closed).toBe(1);
  });

  it('prints URL and model as JSON with --json', async () => {
    const { runtime } = servingRuntime();
    const { stdout } = await runCommand(['serve', '.', '--json', '--port', '0'], runtime, stopWhenReady);
    expect(JSON.parse(stdout)).toEqual({ url: 'http://127.0.0.1:0', model: fakeInfo });
  });

  it("understands SGLang's spellings", async () => {
    const { runtime, started } = servingRuntime();
    const flags =
      '--model-path . --served-model-name m --host 0.0.0.0 --port 80 --quantization awq --dtype auto --context-length 2K ' +
      '--max-running-requests 3 --max-total-tokens 4k --chunked-prefill-size 64 --api-key k --log-level error --device cpu:reference --kv-cache-dtype fp8_e5m2';
    const { stderr } = await runCommand(['serve', ...flags.split(' '), '--quiet'], runtime, stopWhenReady);
    expect(stderr).toBe('');
    expect(started[0]).toMatchObject({ servedModelName: 'm', host: '0.0.0.0', port: 80, apiKey: 'k' });
    expect(runtime.opened[0]?.options).toMatchObject({
      device: 'cpu:reference',
      contextLength: 2048,
      maxRunningRequests: 3,
      kvCacheTokens: 4000,
      prefillChunk: 64,
      kvCacheType: 'fp8_e5m2',
    });
  });

  it('says which options change nothing', async () => {
    const { runtime } = servingRuntime();
    const argv = ['serve', '.', '--quiet', '--dtype', 'half', '--mem-fraction-static', '0.8'];
    const { stderr } = await runCommand(argv, runtime, stopWhenReady);
    expect(stderr).toBe(
      'warning: --dtype half changes nothing: values between kernels are float32; what a kernel may approximate is up to --numerics\n' +
        'warning: --mem-fraction-static 0.8 changes nothing: weights take what lowbit explain shows, and the KV cache holds a number of tokens, set with --max-total-tokens\n',
    );
  });

  it.each(['awq_marlin', 'marlin'])(
    'takes --quantization %s for the method it belongs to, and says so',
    async (name) => {
      const { runtime } = servingRuntime();
      const { stderr } = await runCommand(['serve', '.', '--quiet', '--quantization', name], runtime, stopWhenReady);
      expect(stderr).toBe(
        `warning: --quantization ${name} is taken as awq: kernels are chosen by the backend (see lowbit explain)\n`,
      );
    },
  );

  it('stops before loading where --quantization says something else than the checkpoint', async () => {
    const { runtime } = servingRuntime();
    const { code, stderr } = await runCommand(['serve', '.', '--quantization', 'gptq'], runtime, { cwd: '/tmp' });
    expect(code).toBe(2);
    expect(stderr).toBe(
      'error: --quantization gptq: the checkpoint is awq, elsewhere known as awq_marlin, marlin (/tmp)\n' +
        'Leave the option out, or write --quantization awq. Checkpoints are run as they are, never converted.\n',
    );
    expect(runtime.opened).toEqual([]);
  });

  it('takes the API key from the environment, and the option before it', async () => {
    const { runtime, started } = servingRuntime();
    const env = { LOWBIT_API_KEY: 'from-env' };
    await runCommand(['serve', '.'], runtime, { ...stopWhenReady, env });
    await runCommand(['serve', '.', '--api-key', 'given'], runtime, { ...stopWhenReady, env });
    expect(started.map(({ apiKey }) => apiKey)).toEqual(['from-env', 'given']);
  });

  it('seeds requests that bring no seed, one after the other', async () => {
    const { runtime, started } = servingRuntime();
    await runCommand(['serve', '.', '--random-seed', '5'], runtime, stopWhenReady);
    const model = started[0]?.model;
    for (const sampling of [undefined, { seed: 1 }, { temperature: 0 }]) {
      for await (const _ of model?.generate({ prompt: 'x', sampling }) ?? []);
    }
    expect(runtime.requests.map(({ sampling }) => sampling)).toEqual([
      { seed: 5 },
      { seed: 1 },
      { temperature: 0, seed: 6 },
    ]);
  });

  it('wants one model', async () => {
    const { runtime } = servingRuntime();
    expect(await runCommand(['serve'], runtime)).toMatchObject({
      code: 2,
      stderr: 'error: no model\nName a checkpoint folder: lowbit serve <folder>\n',
    });
    expect(await runCommand(['serve', 'a', '--model', 'b'], runtime)).toMatchObject({
      code: 2,
      stderr: 'error: two models are named: a and b\n',
    });
    expect((await runCommand(['serve', '.', '--model-path', '.'], runtime, stopWhenReady)).code).toBe(0);
  });
});
