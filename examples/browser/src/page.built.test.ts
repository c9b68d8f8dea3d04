import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startBrowser } from './test-support/browser.ts';
import { type Site, startSite } from './test-support/site.ts';

const timeout = 120_000;
const goldenFile = fileURLToPath(new URL('../../models/dense-awq/golden.json', import.meta.url));
const golden = JSON.parse(readFileSync(goldenFile, 'utf8')) as { greedy_text: string };
const beginning = 'The ship had been at sea for';
const weights = 'models/dense-awq/model.safetensors';

const started = await startBrowser({ webgpu: true });
const reason = typeof started === 'string' ? started : '';
const browser = started as Browser;
afterAll(() => (reason === '' ? browser.close() : undefined));

let site: Site;
let context: BrowserContext;
/** What the page complained of. */
let complaints: string[];
beforeEach(async () => {
  if (reason !== '') return;
  expect(existsSync(fileURLToPath(new URL('../dist/index.html', import.meta.url))), 'build first').toBe(true);
  site = await startSite();
  context = await browser.newContext({ viewport: { width: 390, height: 844 } });
  complaints = [];
});
afterEach(async () => {
  if (reason !== '') return;
  await context.close();
  await site.close();
});

async function visit(search = '?device=cpu', from = context): Promise<Page> {
  const page = await from.newPage();
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  await page.goto(site.url + search);
  return page;
}

const reach = (page: Page, state: string) =>
  page.waitForFunction((wanted) => document.body.dataset.state === wanted, state, { timeout });
const text = async (page: Page, id: string) => (await page.locator(`#${id}`).textContent()) ?? '';

/** Greedy, so that the story is the one that the reference run recorded. */
async function writeGreedily(page: Page, tokens: number, stopAfter = tokens): Promise<string> {
  await page.locator('#prompt').fill(beginning);
  await page.locator('#temperature').fill('0');
  await page.locator('#length').fill(String(tokens));
  await page.locator('#write').click();
  if (stopAfter < tokens) {
    await page.waitForFunction((wanted) => document.querySelectorAll('.fresh').length >= wanted, stopAfter, {
      timeout,
    });
    await page.keyboard.press('Escape');
  }
  await page.waitForFunction(
    () => document.querySelector('#speed-note')?.textContent?.includes('tokens in'),
    undefined,
    {
      timeout,
    },
  );
  const story = (await page.locator('#story').textContent()) ?? '';
  expect(story.startsWith(beginning)).toBe(true);
  return story.slice(beginning.length);
}

describe.skipIf(reason !== '')(
  `the page in Chromium${reason === '' ? '' : ` (skipped: ${reason})`}`,
  { timeout },
  () => {
    it('loads, explains itself, and writes the recorded story', async () => {
      const page = await visit();
      await reach(page, 'ready');
      expect(await text(page, 'status')).toMatch(/^Ready after [\d.]+ s\.$/);
      expect(await text(page, 'facts')).toMatch(/cpu:reference[\s\S]*awq \(w4a16\)[\s\S]*6\.3 MiB/);
      expect(await text(page, 'legend')).toMatch(/unquantized 4\.0 MiB\s*w4a16 2\.3 MiB/);
      expect(await page.locator('#modules tr').count()).toBe(75);
      const story = await writeGreedily(page, 40);
      expect(story.startsWith(golden.greedy_text), story).toBe(true);
      expect(await text(page, 'speed-note')).toMatch(/^40 tokens in .+ It is as long as you asked for\.$/);
      expect(Number(await text(page, 'speed'))).toBeGreaterThan(0);
      const [width, visible] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
      expect(width).toBe(visible);
      expect(complaints).toEqual([]);
    });

    it('is worked by keyboard, and stops', async () => {
      const page = await visit();
      await reach(page, 'ready');
      await page.locator('#length').fill('400');
      await page.locator('#prompt').focus();
      await page.keyboard.press('Enter');
      await reach(page, 'writing');
      await page.waitForFunction(() => document.querySelectorAll('.fresh').length > 3);
      await page.keyboard.press('Escape');
      await reach(page, 'ready');
      expect(await text(page, 'speed-note')).toMatch(/You stopped it\.$/);
      await page.locator('#write').focus();
      await page.keyboard.press('Enter');
      await reach(page, 'writing');
      await page.keyboard.press('Enter');
      await reach(page, 'ready');
    });

    it('computes on WebGPU where it is asked to take an adapter in software', async () => {
      const page = await visit('?device=webgpu:software');
      await reach(page, 'ready');
      expect(await text(page, 'facts')).toContain('webgpu:software');
      const story = await writeGreedily(page, 20);
      expect(golden.greedy_text.startsWith(story), story).toBe(true);
      expect(complaints).toEqual([]);
    });

    it('stops loading, and goes on with what is missing', async () => {
      let release = () => {};
      const held = new Promise<void>((resolve) => {
        release = resolve;
      });
      site.hold = async (_, range) => (range?.startsWith('bytes=4194304-') ? held : undefined);
      const page = await visit();
      await page.waitForFunction(() => document.querySelector('#status')?.textContent?.includes('4.0 MiB of 6.4 MiB'));
      await page.locator('#load').click();
      await reach(page, 'idle');
      expect(await text(page, 'status')).toBe('Loading stopped. What came so far is kept.');
      release();
      site.ranges.length = 0;
      await page.locator('#load').click();
      await reach(page, 'ready');
      expect(site.ranges).toEqual(['4194304-6669935']);
    });

    it('opens again where the server is gone', async () => {
      const page = await visit();
      await reach(page, 'ready');
      await page.evaluate(async () => {
        await navigator.serviceWorker.ready;
      });
      await site.close();
      await page.reload();
      await reach(page, 'ready');
      expect(await text(page, 'status')).toContain('from the copy of an earlier visit: the server did not answer');
      const story = await writeGreedily(page, 20);
      expect(golden.greedy_text.startsWith(story), story).toBe(true);
    });

    it('says what is wrong with a damaged file, and loads when it is whole', async () => {
      site.headers = (name) => ({ ETag: `"${name === weights ? sha256(weights) : 'a'}"` });
      site.change = (name, bytes) => {
        if (name !== weights) return bytes;
        const damaged = Buffer.from(bytes);
        damaged[5_000_000]! ^= 1;
        return damaged;
      };
      const page = await visit();
      await reach(page, 'failed');
      expect(await text(page, 'failure-text')).toMatch(
        /model\.safetensors: expected SHA-256 [0-9a-f]{64}, found [0-9a-f]{64}\nThe file was damaged on its way or on the server/,
      );
      site.change = undefined;
      await page.locator('#again').click();
      await reach(page, 'ready');
    });

    it('fetches again what was damaged in the browser’s store, and says so where the server is gone', async () => {
      const page = await visit();
      await reach(page, 'ready');
      expect(await damageStored(page)).toBe(true);
      site.ranges.length = 0;
      await page.reload();
      await reach(page, 'ready');
      expect(site.ranges).toEqual(['4194304-6669935']);
      await page.evaluate(async () => {
        await navigator.serviceWorker.ready;
      });
      expect(await damageStored(page)).toBe(true);
      await site.close();
      await page.reload();
      await reach(page, 'failed');
      expect(await text(page, 'failure-text')).toMatch(
        /^model\.safetensors: bytes 4194304 to 6669935 of the stored copy are damaged, and the server does not answer\n/,
      );
    });

    it('fetches a file that changed on the server', async () => {
      site.headers = () => ({ ETag: '"one"' });
      const page = await visit();
      await reach(page, 'ready');
      site.ranges.length = 0;
      site.headers = (name) => ({ ETag: name === weights ? '"two"' : '"one"' });
      await page.reload();
      await reach(page, 'ready');
      expect(site.ranges.toSorted()).toEqual(['0-4194303', '4194304-6669935']);
    });

    it('is loaded in two tabs at once, and fetched by one', async () => {
      const pages = await Promise.all([visit(), visit()]);
      for (const page of pages) await reach(page, 'ready');
      expect(site.ranges.toSorted()).toEqual(['0-4194303', '4194304-6669935']);
      expect(complaints).toEqual([]);
    });

    it('says that there is no room to keep the model, and goes on without', async () => {
      const page = await context.newPage();
      const session = await context.newCDPSession(page);
      await session.send('Storage.overrideQuotaForOrigin', { origin: new URL(site.url).origin, quotaSize: 3_000_000 });
      await page.goto(`${site.url}?device=cpu`);
      await reach(page, 'ready');
      expect(await text(page, 'notice')).toMatch(
        /^The model is not kept for the next visit: the browser's storage has no room for \d+ bytes of /,
      );
    });

    it('says that the browser keeps nothing, as in private windows, and goes on without', async () => {
      const refusing = `navigator.storage.getDirectory = () => Promise.reject(new DOMException('not here', 'SecurityError'));`;
      site.change = (name, bytes) =>
        /worker-.*\.js$/.test(name) ? Buffer.concat([Buffer.from(refusing), bytes]) : bytes;
      const page = await visit();
      await reach(page, 'ready');
      expect(await text(page, 'notice')).toMatch(
        /^The model is not kept for the next visit: this browser lends the page no file storage: not here\n/,
      );
    });

    it.each(['light', 'dark'] as const)('is %s where the system is', async (colorScheme) => {
      const own = await browser.newContext({ viewport: { width: 1280, height: 900 }, colorScheme });
      try {
        const page = await visit('?device=cpu', own);
        await reach(page, 'ready');
        const paper = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
        expect(paper).toBe(colorScheme === 'light' ? 'rgb(250, 246, 239)' : 'rgb(20, 17, 14)');
        expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
      } finally {
        await own.close();
      }
    });

    it('says which file is missing, and which is none', async () => {
      site.change = (name, bytes) => (name === weights ? Buffer.from('<!doctype html>no model here') : bytes);
      const page = await visit();
      await reach(page, 'failed');
      expect(await text(page, 'failure-text')).toMatch(/^model\.safetensors: expected a header of at most .+/);
      await page.goto(`${site.url}?device=cpu&model=models/none/`);
      await reach(page, 'failed');
      expect(await text(page, 'failure-text')).toMatch(/models\/none\/.+: expected a file, found 404 Not Found/);
    });

    it('says why there is no WebGPU, and computes without it', async () => {
      const plain = await startBrowser({ webgpu: false });
      if (typeof plain === 'string') throw new Error(plain);
      try {
        const own = await plain.newContext();
        const page = await visit('', own);
        await reach(page, 'ready');
        expect(await text(page, 'notice')).toMatch(/^No WebGPU: .+\. Plain JavaScript computes instead, on one core/);
        expect(await text(page, 'facts')).toContain('cpu:reference');
        await page.goto(`${site.url}?device=webgpu`);
        await reach(page, 'failed');
        expect(await text(page, 'failure-text')).toMatch(
          /^no backend for webgpu can run this model\n +webgpu:hardware: .+/,
        );
      } finally {
        await plain.close();
      }
    });
  },
);

/** Changes a bit of the second piece of the weights in the browser's file system. */
function damageStored(page: Page): Promise<boolean> {
  return page.evaluate(async () => {
    const damage = async (folder: FileSystemDirectoryHandle): Promise<boolean> => {
      for await (const entry of (folder as unknown as { values(): AsyncIterable<FileSystemHandle> }).values()) {
        if (entry.kind === 'directory') {
          if (await damage(entry as FileSystemDirectoryHandle)) return true;
        } else if (entry.name === '1') {
          const file = entry as FileSystemFileHandle;
          const bytes = new Uint8Array(await (await file.getFile()).arrayBuffer());
          bytes[1000]! ^= 1;
          const stream = await file.createWritable();
          await stream.write(bytes);
          await stream.close();
          return bytes.length > 2_000_000;
        }
      }
      return false;
    };
    return damage(await navigator.storage.getDirectory());
  });
}

function sha256(name: string): string {
  return createHash('sha256')
    .update(readFileSync(fileURLToPath(new URL(`../dist/${name}`, import.meta.url))))
    .digest('hex');
}
