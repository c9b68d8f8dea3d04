import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';

/**
 * Lets tests find a GPU driver in software: SwiftShader and a Vulkan loader, which `@sparticuz/chromium` carries for x86-64
 * Linux. A loader is found by LD_LIBRARY_PATH at the start of a process only, so this runs before the workers start.
 * Elsewhere nothing is done, and tests are skipped with what the probe says.
 */
export function setup(): void {
  if (process.platform !== 'linux' || process.arch !== 'x64') return;
  const folder = unpackDriver();
  process.env.LD_LIBRARY_PATH = [folder, process.env.LD_LIBRARY_PATH].filter(Boolean).join(':');
  process.env.VK_ICD_FILENAMES = join(folder, 'vk_swiftshader_icd.json');
  process.env.XDG_RUNTIME_DIR ??= tmpdir();
}

function unpackDriver(): string {
  const main = createRequire(import.meta.url).resolve('@sparticuz/chromium');
  let root = dirname(main);
  while (!existsSync(join(root, 'bin'))) root = dirname(root);
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  const folder = join(tmpdir(), `lowbit-swiftshader-${version}`);
  if (existsSync(folder)) return folder;

  // Whoever comes at the same time sees all of it or nothing.
  const unfinished = `${folder}-${process.pid}`;
  mkdirSync(unfinished);
  for (const { name, bytes } of tarEntries(brotliDecompressSync(readFileSync(join(root, 'bin/swiftshader.tar.br'))))) {
    if (/vulkan|vk_swiftshader/.test(name)) writeFileSync(join(unfinished, basename(name)), bytes);
  }
  try {
    renameSync(unfinished, folder);
  } catch {
    rmSync(unfinished, { recursive: true });
  }
  return folder;
}

/** Files of a POSIX tar archive. */
function* tarEntries(archive: Buffer): Generator<{ readonly name: string; readonly bytes: Buffer }> {
  for (let start = 0; start + 512 <= archive.length && archive[start] !== 0; ) {
    const field = (offset: number, length: number) =>
      archive.toString('latin1', start + offset, start + offset + length).replace(/\0.*$/s, '');
    const size = Number.parseInt(field(124, 12), 8);
    yield { name: field(0, 100), bytes: archive.subarray(start + 512, start + 512 + size) };
    start += 512 + Math.ceil(size / 512) * 512;
  }
}
