// @ts-check
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './run.mjs';

/**
 * Installs packages into a folder of their own, without what they would download or compile themselves.
 * @param {string} folder @param {readonly string[]} packages
 */
export async function installPackages(folder, packages) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }');
  await run('npm', ['install', ...packages, '--omit=optional', '--ignore-scripts', '--no-audit', '--no-fund'], folder);
}
