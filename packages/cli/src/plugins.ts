import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Registry } from '@lowbit/core';
import type { DiscoveredPlugins } from '@lowbit/runtime';
import type { Output } from './output/output.ts';

import type { Session } from './session.ts';

/** Methods and backends installed for the project at hand, or beside this command. */
export function discover({ runtime, io }: Session): Promise<DiscoveredPlugins> {
  return runtime.discoverPlugins({ from: [io.cwd, dirname(fileURLToPath(import.meta.url))] });
}

export async function discoverRegistry(session: Session, output: Output): Promise<Registry> {
  const { registry, warnings } = await discover(session);
  for (const warning of warnings) output.warn(warning);
  return registry;
}
