import type { ModelInfo } from '@lowbit/runtime';
import { UsageError } from '../usage-error.ts';

/**
 * `--quantization` states what the checkpoint is; it does not choose. Names of other engines for such a checkpoint
 * (`awq_marlin`, `w8a8_int8`) state the method too.
 * @returns a line to say where the name was such a one
 * @throws UsageError when the checkpoint is something else
 */
export function checkQuantization(
  stated: string,
  { method, aliases, path }: Pick<ModelInfo, 'method' | 'aliases' | 'path'>,
): string | undefined {
  const name = stated.toLowerCase();
  if (name === method) return undefined;
  if (aliases.includes(name)) {
    return `--quantization ${stated} is taken as ${method}: kernels are chosen by the backend (see lowbit explain)`;
  }
  throw new UsageError(
    `--quantization ${stated}: expected the method of the checkpoint, ${method} (${path})`,
    `Leave the option out, or write --quantization ${method}. Checkpoints are run as they are, never converted.`,
  );
}
