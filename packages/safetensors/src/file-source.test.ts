import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openFileSource } from './file-source.ts';
import { SafetensorsError } from './safetensors-error.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lowbit-safetensors-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('openFileSource', () => {
  it('reads ranges', async () => {
    const path = join(folder, 'ten');
    await writeFile(
      path,
      Uint8Array.from({ length: 10 }, (_, at) => at),
    );
    const source = await openFileSource(path);
    expect(source.size).toBe(10);
    expect([...(await source.read(3, 6))]).toEqual([3, 4, 5]);
    expect([...(await source.read(10, 10))]).toEqual([]);
    await expect(source.read(5, 11)).rejects.toThrow(`${path}: expected a range within its 10 bytes, found 5..11`);
    await expect(source.read(-1, 2)).rejects.toThrow('found -1..2');
    await expect(source.read(0.5, 2)).rejects.toThrow('found 0.5..2');

    await truncate(path, 4);
    await expect(source.read(2, 9)).rejects.toThrow(
      `${path}: expected bytes 2..9, found the end of the file at 4\nThe file became shorter while it was open.`,
    );
    await source.close();
    await expect(source.read(0, 1)).rejects.toThrow(SafetensorsError);
  });

  it('says what is no file', async () => {
    const missing = await openFileSource(join(folder, 'missing')).catch((reason: unknown) => reason);
    expect(missing).toMatchObject({ code: 'SAFETENSORS_FILE', cause: { code: 'ENOENT' } });
    expect((missing as Error).message).toMatch(/missing: expected a readable file, found ENOENT: no such file/);
    await expect(openFileSource(folder)).rejects.toThrow('expected a readable file, found a folder');
  });

  it.skipIf(process.platform === 'win32')('does not wait at a pipe (a POSIX thing: no mkfifo on Windows)', async () => {
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    await expect(openFileSource(pipe)).rejects.toThrow(
      'expected a readable file, found something that is not a regular file',
    );
  });
});
