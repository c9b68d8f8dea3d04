import type { QuantizationMethod } from '@lowbit/core';
import { describe, expect, it } from 'vitest';
import { contractProblems } from './contract-problems.ts';
import { rowwise } from './made-up-method.ts';

const manifest = { method: 'rowwise', match: { quantMethod: ['rowwise'] } };

describe('contractProblems', () => {
  it('none', () => {
    expect(contractProblems(rowwise, manifest)).toEqual([]);
    const configFiles = ['rowwise.json'];
    expect(contractProblems({ ...rowwise, configFiles }, { ...manifest, configFiles })).toEqual([]);
  });

  it.each<[string, Partial<Record<keyof QuantizationMethod, unknown>>, object, string]>([
    ['version', { specificationVersion: 'v2' }, manifest, 'specificationVersion is "v2", not "v1"'],
    [
      'name',
      { name: 'Row Wise' },
      { ...manifest, method: 'Row Wise' },
      'name "Row Wise" is not lower case with dashes',
    ],
    ['parseConfig', { parseConfig: undefined }, manifest, 'parseConfig is no function'],
    ['empty match', { match: {} }, { ...manifest, match: {} }, 'match matches nothing: no quantMethod and no files'],
    [
      'match of any file',
      { match: { files: [{ name: 'q.json', keys: [] }] } },
      { ...manifest, match: { files: [{ name: 'q.json', keys: [] }] } },
      'match takes any q.json: give the keys that tell it apart',
    ],
    [
      'manifest',
      {},
      { method: 'rowwise' },
      'the manifest\'s lowbit field is not {"method":"rowwise","match":{"quantMethod":["rowwise"]}}',
    ],
  ])('%s', (_, change, announced, problem) => {
    expect(contractProblems({ ...rowwise, ...change } as QuantizationMethod, announced)).toEqual([problem]);
  });
});
