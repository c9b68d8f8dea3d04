import { LowbitError } from '@lowbit/core';
import { describe, expect, it } from 'vitest';
import { fakeInfo, fakeRuntime } from '../test-support/fake-runtime.ts';
import { runCommand } from '../test-support/run-command.ts';

const cwd = import.meta.dirname;
const speedOf = (tokensPerSecond: number) => ({
  tokensPerSecond,
  lowest: tokensPerSecond - 1,
  highest: tokensPerSecond + 1,
  runs: [tokensPerSecond],
});

/** Answers with what it was asked to measure. */
const measuring = ({ reads = true } = {}) =>
  fakeRuntime({
    measureSpeed: async (model, options = {}) => {
      const { promptTokens = 0, newTokens = 0, context = 0, batches = [] } = options;
      options.onFirstToken?.();
      options.onBeforeBandwidth?.();
      return {
        prefill: { promptTokens, ...speedOf(1234.5) },
        decode: batches.map((batch) => ({
          batch,
          context,
          newTokens,
          ...speedOf(56.78 * batch),
          ...(reads && { bytesPerStep: model.bytesPerStep(batch, context)!, bandwidthShare: 0.456 }),
        })),
        ...(reads && { readBandwidth: { bytesPerSecond: 30.25e9, runs: [30.25e9] } }),
      };
    },
  });

describe('lowbit bench', () => {
  it('prints a table, and what the model took', async () => {
    const { code, stdout, stderr } = await runCommand(['bench', '.', '--batch', '1,16'], measuring(), { cwd });
    expect(code).toBe(0);
    expect(stdout.replace(/(load|first token|process) +[\d.]+ \w+/g, '$1:')).toBe(
      [
        'tokens                         per second  lowest  highest  reads per step  of memory speed',
        'prefill 512                          1235    1234     1236',
        'decode 64 after 512, batch 1         56.8    55.8     57.8        6.85 MiB             46 %',
        'decode 64 after 512, batch 16         908     907      909        14.2 MiB             46 %',
        '',
        'load:',
        'first token: after the process started, prompt of 512',
        'weights       6.36 MiB',
        'process: at most',
        'memory speed  30.3 GB/s read by the same threads',
        '',
      ].join('\n'),
    );
    expect(stderr).toBe('5 runs; awq on cpu:reference (a processor), numerics faithful\n');
  });

  it('leaves out what the backend cannot tell', async () => {
    const { stdout } = await runCommand(['bench', '.'], measuring({ reads: false }), { cwd });
    expect(stdout).toContain('tokens                        per second  lowest  highest\n');
    expect(stdout).not.toContain('memory speed');
    const json = await runCommand(['bench', '.', '--json'], measuring({ reads: false }), { cwd });
    expect(JSON.parse(json.stdout).memory).not.toHaveProperty('readBytesPerSecond');
  });

  it('gives the same with --json', async () => {
    const runtime = measuring();
    const argv = ['bench', '.', '--prompt-tokens', '8', '--new-tokens', '4', '--context', '6', '--runs', '2', '--json'];
    const { stdout } = await runCommand(argv, runtime, { cwd });
    const bytesPerStep = fakeInfo.memory.weights + 6 * 1000;
    const decode = { batch: 1, context: 6, newTokens: 4, ...speedOf(56.78), bytesPerStep, bandwidthShare: 0.456 };
    expect(JSON.parse(stdout)).toEqual({
      prefill: { promptTokens: 8, ...speedOf(1234.5) },
      decode: { ...decode, batches: [decode] },
      load: { seconds: expect.any(Number) },
      firstToken: { seconds: expect.any(Number), promptTokens: 8 },
      memory: {
        peakBytes: expect.any(Number),
        weightBytes: fakeInfo.memory.weights,
        kvCacheBytes: fakeInfo.memory.kvCache,
        readBytesPerSecond: 30.25e9,
      },
      model: fakeInfo,
    });
    expect(runtime.closed).toBe(1);
  });

  it('makes room for all sequences of the largest batch, and no more', async () => {
    const runtime = measuring();
    const argv = ['bench', '.', '--batch', '4,2', '--context', '600', '--new-tokens', '10'];
    await runCommand(argv, runtime, { cwd });
    // Two chunks of each prompt, and a token of each running sequence with every chunk.
    const contextLength = 600 + 10 + 8 + 1;
    expect(runtime.opened.map(({ options }) => options)).toMatchObject([
      { maxRunningRequests: 4, contextLength, kvCacheTokens: 4 * 624 },
    ]);
  });

  it('opens a model with a shorter context as it is', async () => {
    const { openModel, ...runtime } = measuring();
    const asked: (number | undefined)[] = [];
    const { code } = await runCommand(
      ['bench', '.'],
      {
        ...runtime,
        openModel: (folder, options) => {
          asked.push(options.contextLength);
          if (options.contextLength === undefined) return openModel(folder, options);
          throw new LowbitError({ code: 'CONTEXT_LENGTH', message: 'too long' });
        },
      },
      { cwd },
    );
    expect({ code, asked }).toEqual({ code: 0, asked: [578, undefined] });
  });

  it('says what is wrong with --batch', async () => {
    const { code, stderr } = await runCommand(['bench', '.', '--batch', '1,x'], measuring(), { cwd });
    expect(code).toBe(2);
    expect(stderr).toContain('Expected whole numbers from 1, separated by commas: 1,16.');
  });
});
