import { type ByteSource, checkRange } from './byte-source.ts';
import { SafetensorsError } from './safetensors-error.ts';

/** Most bytes that one positioned read is asked for; Node refuses 2 GiB and more. */
const maxReadBytes = 2 ** 30;

/**
 * A file on disk, read by ranges and never as a whole. Not in browsers.
 * @throws SafetensorsError SAFETENSORS_FILE when there is no such file, or it is a folder, pipe or device
 */
export async function openFileSource(path: string): Promise<ByteSource> {
  // Not imported: a bundle for browsers holds this function too.
  const files = globalThis.process?.getBuiltinModule?.('node:fs/promises');
  if (!files) {
    throw new SafetensorsError({
      code: 'SAFETENSORS_FILE',
      file: path,
      expected: 'a system with files',
      actual: 'none, as in a browser',
      remedy: 'Read it through a source of your own, or over HTTP with @lowbit/browser.',
    });
  }
  const { open, stat } = files;
  const unreadable = (cause: unknown) =>
    new SafetensorsError({
      code: 'SAFETENSORS_FILE',
      file: path,
      expected: 'a readable file',
      actual: cause instanceof Error ? cause.message : String(cause),
      cause,
    });
  // Asked before opening: opening a pipe would wait for a writer.
  const status = await stat(path).catch((cause: unknown) => Promise.reject(unreadable(cause)));
  if (!status.isFile()) {
    const actual = status.isDirectory() ? 'a folder' : 'something that is not a regular file';
    throw new SafetensorsError({ code: 'SAFETENSORS_FILE', file: path, expected: 'a readable file', actual });
  }
  const handle = await open(path, 'r').catch((cause: unknown) => Promise.reject(unreadable(cause)));

  return {
    size: status.size,
    async read(start, end) {
      checkRange(path, status.size, start, end);
      const bytes = new Uint8Array(end - start);
      let filled = 0;
      while (filled < bytes.length) {
        const wanted = Math.min(bytes.length - filled, maxReadBytes);
        const { bytesRead } = await handle
          .read(bytes, filled, wanted, start + filled)
          .catch((cause: unknown) => Promise.reject(unreadable(cause)));
        if (bytesRead === 0) {
          throw new SafetensorsError({
            code: 'SAFETENSORS_FILE',
            file: path,
            expected: `bytes ${start}..${end}`,
            actual: `the end of the file at ${start + filled}`,
            remedy: 'The file became shorter while it was open.',
          });
        }
        filled += bytesRead;
      }
      return bytes;
    },
    close: () => handle.close(),
  };
}
