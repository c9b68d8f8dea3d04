import type { ActivationQuantization } from './activation-quantization.ts';
import type { LinearDescription } from './description.ts';
import { LayoutError } from './errors/layout-error.ts';

/** Linears over one input that a kernel may run as one: q/k/v, gate/up. Parts keep their own tensors. */
export interface FusedLinear {
  readonly parts: readonly LinearDescription[];
  readonly inFeatures: number;
  readonly outFeatures: number;
  /** First output feature of each part. */
  readonly offsets: readonly number[];
}

/** What parts must share to run as one, each with how to read it off a part. */
const shared: Readonly<Record<string, (part: LinearDescription) => unknown>> = {
  'input features': (part) => part.weight.inFeatures,
  'code type': (part) => part.weight.codes.type,
  'scale blocks': (part) => part.weight.scales.map((scale) => scale.block[1]),
  'zero points': (part) => part.weight.zero !== undefined,
  shifts: (part) => part.weight.shift !== undefined,
  'group index': (part) => part.weight.groupIndex !== undefined,
  'activation quantization': ({ activations }) => activations && withoutStored(activations),
  'activation quantization while decoding': ({ decoding }) =>
    decoding && { activations: decoding.activations && withoutStored(decoding.activations) },
  'integer execution': ({ integer, decoding }) => [integer !== undefined, decoding?.integer !== undefined],
};

/** A quantization but for the numbers that each part stores: only that they are stored. */
function withoutStored({ scale, ...rule }: ActivationQuantization): unknown {
  if (scale.kind === 'static') return { ...rule, scale: 'static', zero: scale.zero !== undefined };
  return { ...rule, scale: { ...scale, globalScale: scale.globalScale && { divide: scale.globalScale.divide } } };
}

/**
 * Joins linears along their output features. Pure: whether the numbers in two group indices agree is for whoever reads
 * them.
 * @throws LayoutError listing the parts that disagree and in what
 */
export function fuseLinears(parts: readonly LinearDescription[]): FusedLinear {
  const [first] = parts;
  if (!first) throw new LayoutError('fuseLinears needs at least one part');
  for (const [what, read] of Object.entries(shared)) {
    const values = parts.map((part) => JSON.stringify(read(part) ?? null));
    if (new Set(values).size > 1) {
      const list = parts.map((part, index) => `${part.module}: ${values[index]}`).join(', ');
      throw new LayoutError(`fused parts disagree in ${what}: ${list}`);
    }
  }
  const offsets: number[] = [];
  let outFeatures = 0;
  for (const part of parts) {
    offsets.push(outFeatures);
    outFeatures += part.weight.outFeatures;
  }
  return { parts, inFeatures: first.weight.inFeatures, outFeatures, offsets };
}
