import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { publicPackages, root } from '../workspace.ts';

const watcher = fileURLToPath(new URL('watch-imports.mjs', import.meta.url));
const packages = publicPackages().map(({ name, folder }) => ({ name, entry: join(root, folder, 'dist/index.js') }));

let scratch: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'lowbit-inert-'));
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

describe('importing does nothing', () => {
  it.each(packages)('$name', async ({ entry }) => {
    expect(await effectsOfImporting([entry])).toEqual([]);
  });

  it('all packages together', async () => {
    expect(await effectsOfImporting(packages.map(({ entry }) => entry))).toEqual([]);
  });
});

describe('the watcher sees', () => {
  it.each([
    ['quiet', []],
    ['reads-a-file', ['fs.readFileSync']],
    ['opens-a-file-later', ['fs.promises.open']],
    ['listens', ['net.listen']],
    ['connects', ['net.connect']],
    ['fetches', ['globalThis.fetch']],
    ['spawns', ['child_process.spawn']],
    ['starts-a-worker', ['new worker_threads.Worker']],
    ['opens-a-library', ['process.dlopen']],
    ['requires-a-library', ['process.dlopen']],
    ['prints', ['process.write']],
    ['warns', ['process.write']],
    ['keeps-a-timer', ['globalThis.setInterval']],
    ['keeps-a-hidden-timer', ['keeps open: Timeout']],
    ['reads-the-environment', ['process.env.DEBUG']],
  ])('what %s does', async (fixture, expected) => {
    const module = fileURLToPath(new URL(`__fixtures__/${fixture}.mjs`, import.meta.url));
    const effects = await effectsOfImporting([module]);
    const own = effects.map((effect) => effect.split(' by ')[0]);
    if (expected.length === 0) expect(own).toEqual([]);
    else expect(own).toEqual(expect.arrayContaining(expected));
  });
});

/**
 * What the modules' top-level code does to the outside world. Dependencies may look at the environment and set timers that
 * do not outlive the import.
 */
async function effectsOfImporting(modules: readonly string[]): Promise<readonly string[]> {
  const missing = modules.find((module) => !existsSync(module));
  if (missing) throw new Error(`${missing} is missing: build first`);
  const report = join(scratch, 'report.json');
  await promisify(execFile)(process.execPath, [watcher, '--report', report, ...modules]);
  const effects = JSON.parse(await readFile(report, 'utf8')) as { what: string; by: string }[];
  return effects
    .filter(({ what, by }) => !(/^(process\.env|globalThis\.set)/.test(what) && by.includes('/node_modules/')))
    .map(({ what, by }) => (by ? `${what} by ${by}` : what));
}
