import { findMethod, type LazyMethod, MissingPluginError, type Registry } from '@lowbit/core';
import type { Checkpoint } from '../checkpoint/read-checkpoint.ts';
import { findMissingMethod } from './missing-method.ts';

/**
 * The method that reads a checkpoint; undefined for one that is not quantized.
 * @throws MissingPluginError naming the package to install
 */
export async function requireMethod(registry: Registry, checkpoint: Checkpoint): Promise<LazyMethod | undefined> {
  const method = findMethod(registry, checkpoint.metadata);
  if (method) return method;
  const missing = await findMissingMethod(checkpoint);
  if (!missing) return undefined;
  const { name, source, remedy } = missing;
  throw new MissingPluginError({
    kind: 'method',
    wanted: name,
    installed: registry.methods.map((installed) => installed.name),
    remedy: `${source} says so. ${remedy}`,
  });
}
