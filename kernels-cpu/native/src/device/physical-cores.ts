import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/**
 * Cores that this process may use, threads of one core counted once: two threads that read weights at full speed share
 * what one core can read.
 */
export function physicalCores(): number {
  const allowed = availableParallelism();
  if (process.platform !== 'linux') return allowed;
  try {
    return Math.min(allowed, countCores(readFileSync('/proc/cpuinfo', 'utf8')) || allowed);
  } catch {
    return allowed;
  }
}

/** Different pairs of `physical id` and `core id`; 0 where the list has none. */
export function countCores(cpuinfo: string): number {
  const cores = cpuinfo.split('\n\n').flatMap((processor) => {
    const field = (name: string) => new RegExp(`^${name}\\s*: (\\d+)$`, 'm').exec(processor)?.[1];
    const core = field('core id');
    return core === undefined ? [] : [`${field('physical id')} ${core}`];
  });
  return new Set(cores).size;
}
