import { describe, expect, it } from 'vitest';
import { readPluginManifest } from './plugin-manifest.ts';

describe('readPluginManifest', () => {
  it('reads one backend, or several', () => {
    const fast = { name: 'fast', deviceKind: 'gpu', oracle: false, byNameOnly: false, exported: 'default' };
    expect(readPluginManifest({ backend: 'fast', device: 'gpu' })).toEqual({ backends: [fast], problems: [] });
    const slow = { backend: 'slow', device: 'gpu', export: 'slow', byNameOnly: true };
    expect(readPluginManifest({ backends: [{ backend: 'fast', device: 'gpu' }, slow] })).toEqual({
      backends: [fast, { ...fast, name: 'slow', byNameOnly: true, exported: 'slow' }],
      problems: [],
    });
  });

  it.each([
    ['text', 'x', 'names neither a method nor a backend'],
    ['a backend without its device', { backend: 'x' }, 'names neither a method nor a backend'],
    ['no list', { backends: 'x' }, 'has backends "x", expected a list of objects'],
    ['an empty list', { backends: [] }, 'has backends [], expected a list of objects'],
    ['a name with a colon', { backend: 'a:b', device: 'gpu' }, 'has backend "a:b", expected a name'],
    ['an odd flag', { backend: 'x', device: 'gpu', oracle: 1 }, 'has oracle 1, expected true or false'],
    ['no device', { backends: [{ backend: 'x' }] }, 'has backends[0].device nothing, expected a kind of device'],
    [
      'an odd export',
      { backends: [{ backend: 'x', device: 'gpu', export: 3 }] },
      'has backends[0].export 3, expected the name of an export',
    ],
  ])('says what it cannot understand: %s', (_, manifest, problem) => {
    expect(readPluginManifest(manifest)).toEqual({ backends: [], problems: [problem] });
  });

  it('keeps the good backends beside a bad one', () => {
    const { backends, problems } = readPluginManifest({ backends: [7, { backend: 'fast', device: 'gpu' }] });
    expect(backends).toMatchObject([{ name: 'fast' }]);
    expect(problems).toEqual([
      'has backends[0].backend nothing, expected a name',
      'has backends[0].device nothing, expected a kind of device',
    ]);
  });
});
