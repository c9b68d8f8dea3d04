// @ts-check
import { openSync, readSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';

/**
 * One thread's part of reading files. `keep`: into new memory for all of it; otherwise into one buffer, again and again.
 * Opens the file and makes the buffer ready first, then waits for the word to begin.
 */
const { path, start, end, keep } = /** @type {{ path: string, start: number, end: number, keep: boolean }} */ (
  workerData
);
const chunk = 1 << 20;
const file = openSync(path, 'r');
const buffer = Buffer.alloc(keep ? 0 : chunk, 1);
parentPort?.once('message', () => {
  const target = keep ? Buffer.allocUnsafeSlow(end - start) : buffer;
  for (let position = start; position < end; ) {
    const length = Math.min(chunk, end - position);
    position += readSync(file, target, keep ? position - start : 0, length, position);
  }
  parentPort?.postMessage('read');
});
parentPort?.postMessage('ready');
