import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { startBrowser } from '../../examples/browser/src/test-support/browser.ts';
import type { TestResult } from './test-result.ts';

const here = fileURLToPath(new URL('.', import.meta.url));

/**
 * Runs a file of tests in a worker of a page in Chromium, as lowbit runs in pages: the file is bundled, with `in-page.ts` in
 * the place of vitest.
 * @param file absolute path
 * @returns every test with how it came out; or why Chromium does not start
 */
export async function runInChromium(file: string, testTimeout = 60_000): Promise<readonly TestResult[] | string> {
  const browser = await startBrowser({ webgpu: true });
  if (typeof browser === 'string') return browser;
  const script = await bundle(file, testTimeout);
  const server = createServer(({ url }, response) => {
    const isScript = url === '/tests.js';
    response.writeHead(200, { 'Content-Type': isScript ? 'text/javascript' : 'text/html' });
    response.end(isScript ? script : '<!doctype html><title>tests</title>');
  });
  try {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    return (await page.evaluate(inWorker)) as readonly TestResult[];
  } finally {
    await browser.close();
    server.closeAllConnections();
    server.close();
  }
}

/** Evaluated in the page, hence a string: the repository's scripts are typed for Node. */
const inWorker = `new Promise((resolve, reject) => {
  const worker = new Worker('/tests.js', { type: 'module' });
  worker.onmessage = ({ data }) => resolve(data);
  worker.onerror = ({ message }) => reject(new Error('the worker with the tests: ' + message));
})`;

async function bundle(file: string, testTimeout: number): Promise<Uint8Array> {
  const entry = `
    import { runTests } from './in-page.ts';
    postMessage(await runTests(() => import(${JSON.stringify(file)}), ${testTimeout}));
  `;
  const { outputFiles } = await build({
    stdin: { contents: entry, resolveDir: here, loader: 'ts' },
    alias: { vitest: `${here}in-page.ts` },
    conditions: ['@lowbit/source'],
    loader: { '.wgsl': 'text' },
    platform: 'browser',
    // Of modules that the tests do not use; where one is used, the worker says which it does not find.
    external: ['node:*'],
    format: 'esm',
    target: 'es2022',
    bundle: true,
    write: false,
    sourcemap: 'inline',
    logLevel: 'silent',
  });
  return outputFiles[0]!.contents;
}
