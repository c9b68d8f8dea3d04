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
  const unquantized = method === 'unquantized';
  const others = unquantized ? ['unquant', 'none'] : aliases;
  if (sameName(stated, method)) return undefined;
  if (others.some((name) => sameName(stated, name))) {
    if (unquantized) return undefined;
    return `--quantization ${stated} is taken as ${method}: kernels are chosen by the backend (see lowbit explain)`;
  }
  const known = aliases.length > 0 ? `, elsewhere known as ${aliases.join(', ')}` : '';
  throw new UsageError(
    `--quantization ${stated}: the checkpoint is ${unquantized ? 'not quantized' : method}${known} (${path})`,
    `Leave the option out${unquantized ? '' : `, or write --quantization ${method}`}. Checkpoints are run as they are, never converted.`,
  );
}

/** Names are written with `-` here and with `_` there. */
function sameName(left: string, right: string): boolean {
  const normalize = (name: string) => name.toLowerCase().replaceAll('_', '-');
  return normalize(left) === normalize(right);
}
