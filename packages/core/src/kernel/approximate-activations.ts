import type { LinearDescription } from '../description.ts';
import type { Numerics } from '../device.ts';
import { executionsOf } from '../linears-of.ts';

/**
 * For `approximation` of linear kernels: what every backend does otherwise than the checkpoint says about activations.
 * With numerics `exact` it leaves them as they are; with others, no token may depend on which batch it is in.
 */
export function approximateActivations(description: LinearDescription, numerics: Numerics): string | undefined {
  const quantized = executionsOf(description).flatMap(({ activations }) => activations ?? []);
  if (quantized.length === 0) return undefined;
  if (numerics === 'exact') return 'activations stay f32, where the checkpoint quantizes them';
  if (!quantized.some(({ scale, granularity }) => scale.kind === 'dynamic' && granularity.kind === 'tensor')) {
    return undefined;
  }
  return 'one activation scale per token instead of one per tensor, so that no token depends on its batch';
}
