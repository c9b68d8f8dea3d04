import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { findAddon } from '../addon/find-addon.ts';
import { listDevices, probe, refuseAddon } from './probe.ts';
import { selfTest } from './self-test.ts';

const folder = mkdtempSync(join(tmpdir(), 'lowbit-probe-'));
const cache = join(folder, 'cache');
beforeEach(() => rmSync(cache, { recursive: true, force: true }));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const hint = 'Use --device cpu:reference, or build the addon: cmake and a C++ compiler, then npm run build.';

/** A module that stands in for an addon: all that the probe does with one is to load it and to call `selfTest`. */
function standIn(name: string, selfTestBody: string): string {
  const path = join(folder, `${name}.cjs`);
  writeFileSync(path, `exports.selfTest = () => { ${selfTestBody} };`);
  return path;
}

const remembered = () => {
  try {
    return readdirSync(cache).length;
  } catch {
    return 0;
  }
};

describe('an addon is refused', () => {
  it('where it is missing', async () => {
    const missing = '@lowbit/kernels-cpu-linux-x64 is not installed, and here there is no cmake';
    expect(await refuseAddon({ missing }, cache)).toEqual({
      by: 'native',
      code: 'NATIVE_ADDON',
      message: missing,
      hint,
    });
  });

  it('where its self-test comes out wrong, from then on without running it again', async () => {
    const path = standIn('wrong', "return 'avx2: output 3 of the self-test is off by 0.5'");
    const message = `${path}: avx2: output 3 of the self-test is off by 0.5`;
    expect(await refuseAddon({ path }, cache)).toEqual({ by: 'native', code: 'SELF_TEST', message, hint });
    expect(remembered()).toBe(1);
    expect((await refuseAddon({ path }, cache))?.message).toBe(message);
  });

  it('where the processor lacks an instruction', async () => {
    const path = standIn('illegal', "process.kill(process.pid, 'SIGILL'); for (;;);");
    expect((await refuseAddon({ path }, cache))?.message).toBe(
      `the self-test of ${path} ended with SIGILL: this processor lacks an instruction that it needs`,
    );
    expect(remembered()).toBe(1);
  });

  it('where it crashes', async () => {
    const path = standIn('crash', "process.kill(process.pid, 'SIGSEGV'); for (;;);");
    expect((await refuseAddon({ path }, cache))?.message).toBe(`the self-test of ${path} ended with SIGSEGV`);
  });

  it('where it is not done in time, which may be another time', async () => {
    const path = standIn('endless', 'for (;;);');
    const result = await selfTest(path, 500);
    expect(result).toEqual({
      kind: 'failed',
      reason: `the self-test of ${path} was not done after 0.5 s`,
      lasting: false,
    });
  });

  it('where it is no library of this system', async () => {
    const path = join(folder, 'text.node');
    writeFileSync(path, 'not a library, and longer than the header of one: '.repeat(4));
    const message = (await refuseAddon({ path }, cache))?.message;
    expect(message).toContain(`${path} does not load: Error: ${path}: `);
    if (process.platform === 'linux')
      expect(message).toMatch(/invalid ELF header\. It was built for another processor or system, or is damaged\.$/);
    expect(remembered()).toBe(0);
  });

  it('where it was built for another C library', async (context) => {
    const found = findAddon();
    if ('missing' in found) return context.skip(found.missing);
    if (process.platform !== 'linux') return context.skip('names of C libraries are those of Linux');
    const path = join(folder, 'other-libc.node');
    const bytes = readFileSync(found.path, 'latin1');
    writeFileSync(path, bytes.replaceAll('libc.so.6', 'libc.so.7'), 'latin1');
    expect((await refuseAddon({ path }, cache))?.message).toMatch(
      /other-libc\.node does not load: Error: libc\.so\.7: .*\. It was built for another C library, or a newer one\.$/,
    );
    expect(remembered()).toBe(0);
  });
});

it('an addon that passes is not refused, from then on without running it again', async () => {
  const path = standIn('right', "return ''");
  expect(await refuseAddon({ path }, cache)).toBeUndefined();
  expect(remembered()).toBe(1);
  expect(await refuseAddon({ path }, cache)).toBeUndefined();
});

describe('instruction sets', () => {
  const found = findAddon();

  it('are chosen by name, the fastest where none is named', async (context) => {
    if ('missing' in found) return context.skip(found.missing);
    const names = (await listDevices()).map(({ name }) => name);
    expect(names.at(-1)).toBe('plain');
    const chosen = await Promise.all([undefined, ...names].map((name) => probe(name)));
    const sets = chosen.map((result) => result.kind === 'ready' && result.device.instructionSet);
    expect(sets).toEqual([names[0], ...names]);
  });

  it('that the processor does not have are refused', async (context) => {
    if ('missing' in found) return context.skip(found.missing);
    const result = await probe('avx1024');
    const message = expect.stringMatching(/^no instruction set "avx1024" here; there are: plain/);
    expect(result).toEqual({ kind: 'unavailable', refusal: { by: 'native', code: 'INSTRUCTION_SET', message } });
  });
});
