import sparticuz from '@sparticuz/chromium';
import { type Browser, chromium } from 'playwright-core';

const quiet = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** A Chromium out of a package of the registry; or why it does not start here. */
export async function startBrowser(options: { readonly webgpu: boolean }): Promise<Browser | string> {
  try {
    return await chromium.launch({
      executablePath: await sparticuz.executablePath(),
      // On machines without a GPU this gives an adapter in software.
      args: options.webgpu ? [...quiet, '--enable-unsafe-webgpu'] : quiet,
    });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const [reason] = /error while loading shared libraries: .+/.exec(message) ?? message.split('\n');
    return `Chromium does not start: ${reason}`;
  }
}
