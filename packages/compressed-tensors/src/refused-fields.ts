import { RefusedError } from '@lowbit/core';
import type { Section } from './config-section.ts';

/** Fields that change what the tensors are, for engines that have a way of their own to run them. */
const refused: Readonly<Record<string, string>> = {
  linear_fp8_config: 'linears in the layout of another quantization method',
  moe_sparsity_config: 'experts that were pruned or replaced',
};

/** @throws RefusedError for such a field that is set */
export function refuseRunTimeExtensions({ file, path, value }: Section): void {
  for (const [field, message] of Object.entries(refused)) {
    if ((value[field] ?? null) === null) continue;
    throw new RefusedError({
      message: `${file}: ${path}.${field} is not supported`,
      refusals: [{ by: 'compressed-tensors', code: 'EXTENSION', message }],
    });
  }
}
