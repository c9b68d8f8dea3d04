import { describe, expect, it, vi } from 'vitest';
import { ConfigError } from './config-error.ts';
import { LayoutError } from './layout-error.ts';
import { LowbitError } from './lowbit-error.ts';
import { MissingDependencyError } from './missing-dependency-error.ts';
import { MissingPluginError } from './missing-plugin-error.ts';
import { NoKernelError } from './no-kernel-error.ts';
import { RefusedError } from './refused-error.ts';
import { TensorError } from './tensor-error.ts';

const refusals = [{ by: 'fast', code: 'GROUP_SIZE', message: 'group size 16', hint: 'use 128' }];

describe('messages', () => {
  it.each<[LowbitError, code: string, message: string]>([
    [
      new ConfigError({ file: 'config.json', field: 'bits', expected: 'an integer', actual: '4' }),
      'CONFIG',
      'config.json: bits: expected an integer, found "4"',
    ],
    [
      new ConfigError({ file: 'config.json', expected: 'JSON', actual: undefined, remedy: 'Download it again.' }),
      'CONFIG',
      'config.json: expected JSON, found nothing\nDownload it again.',
    ],
    [new LayoutError('a: 3 of 4', 'Use 2.'), 'LAYOUT', 'a: 3 of 4\nUse 2.'],
    [
      new MissingDependencyError({ dependency: 'webgpu', neededBy: 'gpu', remedy: 'npm i webgpu', cause: 0 }),
      'MISSING_DEPENDENCY',
      'gpu needs webgpu, which could not be loaded\nnpm i webgpu',
    ],
    [
      new MissingPluginError({ kind: 'method', wanted: 'hqq', installed: ['awq', 'gptq'], remedy: 'Install it.' }),
      'MISSING_PLUGIN',
      'no method for "hqq" (present: awq, gptq)\nInstall it.',
    ],
    [
      new MissingPluginError({ kind: 'backend', wanted: 'cuda', installed: [], remedy: 'Install it.' }),
      'MISSING_PLUGIN',
      'no backend for "cuda" (present: none)\nInstall it.',
    ],
    [new RefusedError({ message: 'no', refusals }), 'REFUSED', 'no\n  fast: group size 16 (use 128)'],
    [new NoKernelError('a', refusals), 'NO_KERNEL', 'no kernel runs a\n  fast: group size 16 (use 128)'],
    [
      new TensorError({ code: 'TENSOR_DATA', tensor: 'a.g_idx', expected: 'group 0..3', actual: '7', remedy: 'Look.' }),
      'TENSOR_DATA',
      'tensor a.g_idx: expected group 0..3, found 7\nLook.',
    ],
  ])('%s', (error, code, message) => {
    expect(error).toMatchObject({ code, message, name: error.constructor.name });
  });

  it('shows long values shortened, and values that JSON does not know', () => {
    const found = (actual: unknown) => new ConfigError({ file: 'f', expected: 'x', actual }).message;
    expect(found('a'.repeat(500))).toBe(`f: expected x, found "${'a'.repeat(199)}...`);
    expect(found(null)).toBe('f: expected x, found null');
    expect(found({ a: [1] })).toBe('f: expected x, found {"a":[1]}');
    expect(found(Symbol('s'))).toBe('f: expected x, found Symbol(s)');
  });

  it('keep the cause', () => {
    const cause = new Error('ENOENT');
    expect(new ConfigError({ file: 'f', expected: 'x', actual: 1, cause }).cause).toBe(cause);
    expect(new LayoutError('x').cause).toBeUndefined();
  });
});

describe('isInstance', () => {
  it('knows errors of another installed copy', async () => {
    vi.resetModules();
    const copy = await import('./tensor-error.ts');
    expect(copy.TensorError).not.toBe(TensorError);
    const error = new copy.TensorError({ code: 'TENSOR_MISSING', tensor: 'a', expected: 'b', actual: 'c' });
    expect(error).not.toBeInstanceOf(LowbitError);
    expect(LowbitError.isInstance(error)).toBe(true);
  });

  it.each([new Error('x'), undefined, null, 'lowbit', { code: 'CONFIG' }])('not %s', (value) => {
    expect(LowbitError.isInstance(value)).toBe(false);
  });
});
