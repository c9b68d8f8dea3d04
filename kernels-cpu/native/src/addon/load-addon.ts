import { createRequire } from 'node:module';
import { LowbitError } from '@lowbit/core';
import type { Addon } from './addon.ts';
import { findAddon } from './find-addon.ts';

/**
 * Node keeps a loaded addon by its path: asking again costs nothing.
 * @throws LowbitError NATIVE_ADDON where it is missing or does not load
 */
export function loadAddon(): Addon {
  const found = findAddon();
  if ('missing' in found) throw new LowbitError({ code: 'NATIVE_ADDON', message: found.missing });
  try {
    return createRequire(import.meta.url)(found.path) as Addon;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new LowbitError({ code: 'NATIVE_ADDON', message: `${found.path} does not load: ${reason}`, cause });
  }
}
