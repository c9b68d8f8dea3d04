import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { LowbitError } from '@lowbit/core';
import type { InputStream } from './io.ts';
import { UsageError } from './usage-error.ts';

/**
 * A whole text file in UTF-8.
 * @throws UsageError when it cannot be read; LowbitError NOT_UTF8
 */
export async function readTextFile(path: string): Promise<string> {
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`${path}: expected a text file, found ${error.code ?? error.message}`);
  });
  return decode(bytes, path);
}

/** All of stdin in UTF-8. */
export async function readStdin(stdin: InputStream): Promise<string> {
  return decode(await buffer(stdin), 'stdin');
}

function decode(bytes: Uint8Array, name: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new LowbitError({
      code: 'NOT_UTF8',
      message: `${name}: expected UTF-8, found bytes that are not`,
      remedy: 'Convert it first: iconv -f <encoding> -t utf-8',
      cause,
    });
  }
}
