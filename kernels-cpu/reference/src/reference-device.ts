import type { ProbeResult } from '@lowbit/core';
import { multiply } from './linear/matrix-multiply.ts';

/** Multiplies something small and compares it with the known answer. */
export async function probe(): Promise<ProbeResult> {
  const [product] = multiply(Float32Array.of(1, 2, 3), 1, Float32Array.of(4, 5, 6), 3);
  if (product === 32) return { kind: 'ready', device: { kind: 'cpu', name: processorName() } };
  const message = `1*4 + 2*5 + 3*6 came out as ${product}, expected 32`;
  return { kind: 'unavailable', refusal: { by: 'reference', code: 'WRONG_RESULT', message } };
}

/** Browsers have no such module, and an import would keep the package out of them; nothing depends on the name. */
function processorName(): string {
  const os = globalThis.process?.getBuiltinModule?.('node:os');
  return os?.cpus()[0]?.model.trim() || 'JavaScript';
}
