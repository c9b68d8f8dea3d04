import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { LowbitError } from '@lowbit/core';
import { describe, expect, it, onTestFinished } from 'vitest';
import { fakeRuntime } from '../test-support/fake-runtime.ts';
import { runCommand, type User } from '../test-support/run-command.ts';

const text = (prompt: unknown) => String.fromCharCode(...(prompt as number[]));

describe('lowbit chat', () => {
  it('answers each line, with the conversation so far in the prompt', async () => {
    const runtime = fakeRuntime({ pieces: ['yes', '.'] });
    const { code, stdout } = await runCommand(['chat', '.', '--system', 'Be short.'], runtime, {
      stdin: 'One?\n\n  Two?  \n',
    });
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'yes.\nyes.\n' });
    expect(runtime.requests.map(({ prompt }) => text(prompt))).toEqual([
      '<system>Be short.<user>One?',
      '<system>Be short.<user>One?<assistant>yes.<user>Two?',
    ]);
    expect(runtime.closed).toBe(1);
  });

  it('hands on the type of the KV cache', async () => {
    const runtime = fakeRuntime();
    await runCommand(['chat', '.', '--kv-cache-dtype', 'fp8_e4m3'], runtime, { stdin: '' });
    expect(runtime.opened[0]?.options).toMatchObject({ kvCacheType: 'fp8_e4m3' });
  });

  it('ends at /exit', async () => {
    const runtime = fakeRuntime();
    expect((await runCommand(['chat', '.'], runtime, { stdin: '/exit\nmore\n' })).code).toBe(0);
    expect(runtime.requests).toEqual([]);
  });

  it('prints one JSON object per answer with --json', async () => {
    const runtime = fakeRuntime({ pieces: ['yes'] });
    const { stdout, stderr } = await runCommand(['chat', '.', '--json'], runtime, { stdin: 'a\nb\n' });
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines).toEqual([
      {
        message: { role: 'assistant', content: 'yes' },
        usage: { promptTokens: 7, completionTokens: 1 },
        finish: { kind: 'length', length: 1 },
      },
      expect.objectContaining({ message: { role: 'assistant', content: 'yes' } }),
    ]);
    expect(stderr).toBe('');
  });

  it('refuses a model without a chat template', async () => {
    const runtime = fakeRuntime({ info: { hasChatTemplate: false } });
    const { code, stderr } = await runCommand(['chat', '.'], runtime, { cwd: tmpdir(), stdin: 'a\n' });
    expect(code).toBe(1);
    expect(stderr).toBe(
      `error: ${tmpdir()} has no chat template: expected one in tokenizer_config.json or chat_template.jinja\n` +
        'Give one with --chat-template <file>, or continue plain text with lowbit generate.\n',
    );
  });

  it('takes a chat template from a file', async () => {
    const cwd = mkdtempSync(join(tmpdir(), 'lowbit-chat-'));
    onTestFinished(() => rmSync(cwd, { recursive: true }));
    writeFileSync(join(cwd, 'own.jinja'), '{{ messages }}');
    const runtime = fakeRuntime();
    await runCommand(['chat', '.', '--chat-template', 'own.jinja'], runtime, { cwd });
    expect(runtime.opened[0]?.options.chatTemplate).toBe('{{ messages }}');
    const missing = await runCommand(['chat', '.', '--chat-template', 'none.jinja'], runtime, { cwd });
    expect(missing).toMatchObject({
      code: 2,
      stderr: `error: ${join(cwd, 'none.jinja')}: expected a text file, found ENOENT\n`,
    });
  });

  it('says what the model that comes with lowbit can do', async () => {
    const runtime = fakeRuntime();
    const { stderr } = await runCommand(['chat'], runtime, { stdin: '' });
    expect(stderr).toContain('This model never learned to chat: it goes on with the text of the conversation.\n');
    expect(runtime.opened[0]?.options.chatTemplate).toContain('message.content');
  });

  it('fails at the first message that fails where nobody sits at the terminal', async () => {
    const runtime = fakeRuntime();
    const open = runtime.openModel;
    const error = new LowbitError({ code: 'CONTEXT', message: 'prompt of 9 tokens, context of 8' });
    runtime.openModel = async (...args) => ({ ...(await open(...args)), renderChat: () => Promise.reject(error) });
    expect(await runCommand(['chat', '.', '--quiet'], runtime, { stdin: 'a\nb\n' })).toEqual({
      code: 1,
      stdout: '',
      stderr: 'error: prompt of 9 tokens, context of 8\n',
    });
  });

  it('ends with 130 after SIGINT', async () => {
    const runtime = fakeRuntime({ pieces: ['one', 'two', 'three'] });
    const { code, stdout } = await runCommand(['chat', '.'], runtime, {
      stdin: 'a\nb\n',
      onStdout: (written, { send }) => written === 'one' && send('SIGINT'),
    });
    expect({ code, stdout }).toEqual({ code: 130, stdout: 'one\n' });
    expect(runtime.closed).toBe(1);
  });

  it('on a terminal, Ctrl-C stops the answer and the conversation goes on', async () => {
    const runtime = fakeRuntime({ pieces: ['one', 'two', 'three'] });
    const scenario: [seen: string, typed: string][] = [
      ['> ', 'a\n'],
      ['one', '\x03'],
      ['one\n> ', 'b\n'],
      ['onetwothree\n> ', '/exit\n'],
    ];
    const { code } = await runCommand(['chat', '.', '--quiet'], runtime, {
      terminal: true,
      env: { NO_COLOR: '1' },
      onStdout(written, { type }) {
        const [next] = scenario;
        if (!next || !readable(written).endsWith(next[0])) return;
        scenario.shift();
        setImmediate(() => type(next[1]));
      },
    });
    expect({ code, left: scenario }).toEqual({ code: 0, left: [] });
    expect(runtime.requests.map(({ prompt }) => text(prompt))).toEqual(['<user>a', '<user>a<assistant>one<user>b']);
  });

  it('on a terminal, Ctrl-C at the prompt ends with 130, and Ctrl-D with 0', async () => {
    const typing = (key: string) => ({
      terminal: true,
      onStdout: (written: string, { type }: User) => readable(written).endsWith('> ') && type(key),
    });
    expect((await runCommand(['chat', '.'], fakeRuntime(), typing('\x03'))).code).toBe(130);
    expect((await runCommand(['chat', '.'], fakeRuntime(), typing('\x04'))).code).toBe(0);
  });
});

/** What a terminal shows, more or less: without the line editor's cursor movements. */
function readable(written: string): string {
  return stripVTControlCharacters(written).replaceAll('\r', '');
}
