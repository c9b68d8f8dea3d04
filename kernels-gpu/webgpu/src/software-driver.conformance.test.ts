import { expect, it } from 'vitest';
import { software } from './webgpu-backend.ts';

const { platform, arch } = process;

/** All other tests are skipped where the device cannot be opened: where there is a driver, that is a failure. */
it.skipIf(platform !== 'linux' || arch !== 'x64')(
  `the device in software opens on x86-64 Linux (this is ${arch} ${platform})`,
  async () => {
    expect(await software.probe()).toMatchObject({ kind: 'ready' });
  },
);
