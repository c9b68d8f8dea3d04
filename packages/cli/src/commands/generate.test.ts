import { describe, expect, it } from 'vitest';
import { fakeInfo, fakeRuntime } from '../test-support/fake-runtime.ts';
import { runCommand } from '../test-support/run-command.ts';

const pieces = [' a', ' long', ' time'];

describe('lowbit generate', () => {
  it('streams the text to stdout and sums up on stderr', async () => {
    const runtime = fakeRuntime({ pieces });
    const { code, stdout, stderr } = await runCommand(['generate', '.', 'For', '--seed', '3'], runtime);
    expect(code).toBe(0);
    expect(stdout).toBe(' a long time\n');
    const [prompt, model, generation, ...rest] = stderr.split('\n');
    expect(prompt).toBe('For');
    expect(model).toBe(
      'awq (w4a16, unquantized) on cpu:reference, numerics faithful; weights 6.36 MiB, KV cache 1.00 MiB',
    );
    expect(generation).toMatch(
      /^3 prompt tokens, 3 tokens in 0\.\d\d s \(first after 0\.\d\d s, then [\d.]+ tokens\/s\); ended at the limit of 3 tokens; seed 3$/,
    );
    expect(rest).toEqual(['']);
    expect(runtime.closed).toBe(1);
  });

  it('tells a story with the model that comes with it', async () => {
    const runtime = fakeRuntime();
    const { code } = await runCommand(['generate'], runtime, { stdin: 'not read' });
    expect(code).toBe(0);
    expect(runtime.opened[0]?.folder).toMatch(/dense-awq$/);
    expect(runtime.requests[0]).toMatchObject({
      prompt: 'The ship had been at sea for',
      sampling: { maxTokens: 120, temperature: 0.8, topP: 0.95, seed: expect.any(Number) },
    });
  });

  it('tells it faithfully unless told to, and leaves the numerics of a named model to the runtime', async () => {
    const runtime = fakeRuntime();
    await runCommand(['generate'], runtime);
    await runCommand(['generate', '--numerics', 'fast'], runtime);
    await runCommand(['generate', '.', 'For'], runtime);
    expect(runtime.opened.map(({ options }) => options.numerics)).toEqual(['faithful', 'fast', undefined]);
  });

  it('tells it with the mixture of experts where asked to, and takes one model only', async () => {
    const runtime = fakeRuntime();
    await runCommand(['generate', '--model', 'moe'], runtime);
    expect(runtime.opened[0]?.folder).toMatch(/moe-ct-w4a16$/);
    expect(runtime.requests[0]?.prompt).toBe('The ship had been at sea for');
    expect(await runCommand(['generate', '.', 'For', '--model', 'moe'], runtime)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('the model is given twice, as a folder and with --model'),
    });
    expect((await runCommand(['generate', '--model', 'huge'], runtime)).stderr).toContain(
      'Allowed choices are dense, moe.',
    );
  });

  it('lets flags change the story', async () => {
    const runtime = fakeRuntime();
    await runCommand(['generate', '--temperature', '0', '--max-tokens', '5'], runtime);
    expect(runtime.requests[0]?.sampling).toMatchObject({ maxTokens: 5, temperature: 0, topP: 0.95 });
  });

  it('hands on every sampling option and nothing else', async () => {
    const runtime = fakeRuntime();
    const flags =
      '--max-tokens 9 --temperature 0.5 --top-p 0.9 --top-k -1 --min-p 0.1 --repetition-penalty 1.1 --presence-penalty -1 --frequency-penalty .5 --seed 0 --stop x --stop y --ignore-eos';
    await runCommand(['generate', '.', '-p', 'hi', ...flags.split(' ')], runtime);
    await runCommand(['generate', '.', '-p', 'hi', '--seed', '1'], runtime);
    expect(runtime.requests.map(({ sampling }) => sampling)).toEqual([
      {
        maxTokens: 9,
        temperature: 0.5,
        topP: 0.9,
        topK: -1,
        minP: 0.1,
        repetitionPenalty: 1.1,
        presencePenalty: -1,
        frequencyPenalty: 0.5,
        seed: 0,
        stop: ['x', 'y'],
        ignoreEos: true,
      },
      { seed: 1 },
    ]);
  });

  it('hands on the type of the KV cache', async () => {
    const runtime = fakeRuntime();
    await runCommand(['generate', '.', '-p', 'hi', '--kv-cache-dtype', 'bfloat16'], runtime);
    expect(runtime.opened[0]?.options).toMatchObject({ kvCacheType: 'bf16' });
  });

  it('hands on the most memory that it may take', async () => {
    const runtime = fakeRuntime();
    await runCommand(['generate', '.', '-p', 'hi', '--memory-limit', '6GiB'], runtime);
    expect(runtime.opened[0]?.options).toMatchObject({ memoryLimit: 6 * 2 ** 30 });
  });

  it('writes prompt and continuation as one text on a terminal', async () => {
    const { stderr } = await runCommand(['generate', '.', 'For'], fakeRuntime(), {
      terminal: true,
      env: { NO_COLOR: '1' },
    });
    expect(stderr).toMatch(/^Forawq /);
  });

  it('draws a seed where none is given, and prints it', async () => {
    const runtime = fakeRuntime();
    const { stderr } = await runCommand(['generate', '.', 'hi'], runtime);
    const seed = runtime.requests[0]?.sampling?.seed;
    expect(seed).toEqual(expect.any(Number));
    expect(stderr).toContain(`; seed ${seed}\n`);
  });

  it.each([[['generate', '.']], [['generate', '.', '-']], [['generate', '--prompt', '-']]])(
    'reads the prompt from stdin: %j',
    async (argv) => {
      const runtime = fakeRuntime();
      await runCommand(argv, runtime, { stdin: 'two\nlines\n' });
      expect(runtime.requests[0]?.prompt).toBe('two\nlines');
    },
  );

  it('asks for a prompt on a terminal', async () => {
    const outcome = await runCommand(['generate', '.'], fakeRuntime(), { terminal: true, env: { NO_COLOR: '1' } });
    expect(outcome).toEqual({
      code: 2,
      stdout: '',
      stderr: 'error: no prompt\nGive one after the model, with --prompt, or on stdin.\n',
    });
  });

  it('refuses two prompts, and bytes that are no text', async () => {
    const two = await runCommand(['generate', '.', 'a', '--prompt', 'b'], fakeRuntime());
    expect(two).toMatchObject({
      code: 2,
      stderr: 'error: the prompt is given twice, as an argument and with --prompt\n',
    });
    const bytes = await runCommand(['generate', '.'], fakeRuntime(), { stdin: Uint8Array.of(0xff) });
    expect(bytes).toMatchObject({
      code: 1,
      stderr:
        'error: stdin: expected UTF-8, found bytes that are not\nConvert it first: iconv -f <encoding> -t utf-8\n',
    });
  });

  it('prints one JSON object with --json', async () => {
    const { code, stdout, stderr } = await runCommand(
      ['generate', '.', 'For', '--seed', '3', '--json'],
      fakeRuntime({ pieces }),
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toEqual({
      model: fakeInfo,
      prompt: 'For',
      sampling: { seed: 3 },
      text: ' a long time',
      tokenIds: [0, 1, 2],
      usage: { promptTokens: 3, completionTokens: 3 },
      finish: { kind: 'length', length: 3 },
      seconds: { load: expect.any(Number), firstToken: expect.any(Number), total: expect.any(Number) },
      tokensPerSecond: expect.any(Number),
    });
  });

  it('keeps control characters of the text from a terminal, and from nothing else', async () => {
    const runtime = () => fakeRuntime({ pieces: ['\x1b[2J', 'x\ty\n'] });
    const terminal = await runCommand(['generate', '.', 'hi', '--quiet'], runtime(), { terminal: true });
    expect(terminal.stdout).toBe('\\x1b[2Jx\ty\n\n');
    const pipe = await runCommand(['generate', '.', 'hi', '--quiet'], runtime());
    expect(pipe.stdout).toBe('\x1b[2Jx\ty\n\n');
  });

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s ends it cleanly with %d', async (signal, code) => {
    const runtime = fakeRuntime({ pieces });
    const outcome = await runCommand(['generate', '.', 'hi'], runtime, {
      onStdout: (written, { send }) => written === ' a' && send(signal),
    });
    expect(outcome).toMatchObject({ code, stdout: ' a\n' });
    expect(outcome.stderr).toContain('stopped: stopped by the caller');
    expect(runtime.closed).toBe(1);
  });

  it('warns about what the model warns of, also with --quiet', async () => {
    const runtime = fakeRuntime({ info: { warnings: ['a rule surprises'] } });
    const { stderr } = await runCommand(['generate', '.', 'hi', '--quiet'], runtime);
    expect(stderr).toBe('warning: a rule surprises\n');
  });
});
