import { execFileSync } from 'node:child_process';
import { lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { root } from './workspace.ts';

const files = execFileSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' })
  .split('\0')
  .filter((file) => file !== '' && lstatSync(join(root, file), { throwIfNoEntry: false })?.isFile());

const isText = (file: string) => /\.(ts|mjs|js|json|ya?ml|md|txt|npmrc)$|(^|\/)(\.npmrc|LICENSE|run)$/.test(file);

it('names no package registry, so that each machine uses its own', () => {
  const lockfile = readFileSync(join(root, 'pnpm-lock.yaml'), 'utf8');
  expect(lockfile).not.toMatch(/tarball:|https?:\/\//);
  expect(readFileSync(join(root, '.npmrc'), 'utf8')).not.toMatch(/registry|https?:\/\//);
});

it('names no folder of one machine', () => {
  // Written in two parts, or this file would find itself.
  const forbidden = new RegExp(
    ['/wo' + 'rk/', '\\.\\./sha' + 'red\\b', '/ho' + 'me/[a-z]', '/Use' + 'rs/[a-z]'].join('|'),
    'i',
  );
  const guilty = files.filter(isText).filter((file) => forbidden.test(readFileSync(join(root, file), 'utf8')));
  expect(guilty).toEqual([]);
});

it('keeps large files to the example models', () => {
  const large = files.filter((file) => lstatSync(join(root, file)).size > 1_000_000);
  expect(large.filter((file) => !file.startsWith('examples/models/'))).toEqual([]);
});

it('installs one copy of the test runner, which the testkit shares with the tests', () => {
  const lockfile = readFileSync(join(root, 'pnpm-lock.yaml'), 'utf8');
  const snapshots = lockfile.slice(lockfile.indexOf('\nsnapshots:'));
  expect(snapshots.match(/^ {2}vitest@.+:$/gm)).toHaveLength(1);
});
