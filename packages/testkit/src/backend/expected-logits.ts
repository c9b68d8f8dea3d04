import type { AttentionOperation, ElementType, LinearDescription, ModuleDescription, Operation } from '@lowbit/core';
import { decodeElement, decodeStored, dequantizeWeight, encodeElement } from '@lowbit/numerics';
import { tensorReader } from '../synthetic-tensor.ts';
import { expectedWeights } from './expected-weights.ts';
import type { SyntheticProgram } from './synthetic-program.ts';

/** A value of one sequence: one row per token. */
type Rows = number[][];

/** Logits of one whole sequence, `[tokens, vocab]`: each formula of the program as it is written, in f64, without a cache. */
export function expectedLogits(synthetic: SyntheticProgram, tokenIds: readonly number[]): Float64Array {
  const { program, descriptions, tensors } = synthetic;
  const read = tensorReader(tensors);
  const values = new Map<string, Rows>();
  let logits: Rows = [];

  const described = <Kind extends ModuleDescription['kind']>(module: string, _kind: Kind) =>
    descriptions.get(module) as Extract<ModuleDescription, { kind: Kind }>;
  const vector = (stored: Parameters<typeof decodeStored>[0] & { ref: Parameters<typeof read>[0] }, size: number) =>
    decodeStored(stored, read(stored.ref), [['out', size]]);
  const linear = (module: string, input: Rows): Rows => multiply(described(module, 'linear'), input);
  const multiply = ({ weight, bias }: LinearDescription, input: Rows): Rows => {
    const { outFeatures, inFeatures } = weight;
    const matrix = dequantizeWeight(weight, read);
    const added = bias ? vector(bias, outFeatures) : new Float32Array(outFeatures);
    return input.map((row) =>
      Array.from(added, (start, out) => row.reduce((sum, x, i) => sum + x * matrix[out * inFeatures + i]!, start)),
    );
  };

  const execute = (operation: Operation): void => {
    const value = (name: string) => values.get(name)!;
    switch (operation.kind) {
      case 'embedding': {
        const { weight } = described(operation.module, 'embedding');
        const table = dequantizeWeight(weight, read);
        const width = weight.inFeatures;
        values.set(
          operation.output,
          tokenIds.map((id) => [...table.subarray(id * width, (id + 1) * width)]),
        );
        return;
      }
      case 'rms-norm': {
        const { size, epsilon } = operation;
        const weight = vector(described(operation.module, 'norm').weight, size);
        const normed = value(operation.input).map((row) =>
          row.map((x, i) => {
            const run = row.slice(i - (i % size), i - (i % size) + size);
            const meanSquare = run.reduce((sum, one) => sum + one * one, 0) / size;
            return (x / Math.sqrt(meanSquare + epsilon)) * weight[i % size]!;
          }),
        );
        values.set(operation.output, normed);
        return;
      }
      case 'linear':
        for (const { module, output } of operation.parts) values.set(output, linear(module, value(operation.input)));
        return;
      case 'rope':
        for (const name of operation.values)
          values.set(
            name,
            value(name).map((row, position) => rotate(row, position, operation)),
          );
        return;
      case 'attention': {
        const { type } = described(operation.cache, 'kvCache');
        values.set(
          operation.output,
          attend(
            operation,
            value(operation.query),
            cached(value(operation.key), type),
            cached(value(operation.value), type),
          ),
        );
        return;
      }
      case 'concat': {
        const { heads, parts, output } = operation;
        const put = (t: number) =>
          Array.from({ length: heads }, (_, head) =>
            parts.map(({ input, start, stride, size }) => {
              const first = start + head * stride;
              return value(input)[t]!.slice(first, first + size);
            }),
          ).flat(2);
        values.set(
          output,
          tokenIds.map((_, t) => put(t)),
        );
        return;
      }
      case 'moe': {
        const { experts } = described(operation.module, 'moe');
        const bias = operation.choiceBias === undefined ? undefined : described(operation.choiceBias, 'vector').vector;
        const added = bias ? vector(bias, experts.length) : new Float32Array(experts.length);
        const outputs = experts.map(({ gate, up, down }) => {
          const raised = multiply(up, value(operation.input));
          const gated = multiply(gate, value(operation.input)).map((row, t) =>
            row.map((x, i) => (x / (1 + Math.exp(-x))) * raised[t]![i]!),
          );
          return multiply(down, gated);
        });
        const mixed = value(operation.routerLogits).map((logits, t) => {
          const weights = expectedWeights(operation, logits, added);
          return outputs[0]![t]!.map((_, i) =>
            weights.reduce((sum, w, expert) => sum + w * outputs[expert]![t]![i]!, 0),
          );
        });
        values.set(operation.output, mixed);
        return;
      }
      case 'silu-mul': {
        const up = value(operation.up);
        const silu = (x: number) => x / (1 + Math.exp(-x));
        values.set(
          operation.output,
          value(operation.gate).map((row, t) => row.map((x, i) => silu(x) * up[t]![i]!)),
        );
        return;
      }
      case 'add': {
        const right = value(operation.right);
        values.set(
          operation.output,
          value(operation.left).map((row, t) => row.map((x, i) => x + right[t]![i]!)),
        );
        return;
      }
      case 'logits':
        logits = linear(operation.module, value(operation.input));
    }
  };
  for (const operation of program.operations) execute(operation);
  return Float64Array.from(logits.flat());
}

function rotate(
  row: readonly number[],
  position: number,
  { headSize, inverseFrequencies, attentionFactor, interleaved, offset = 0 }: Extract<Operation, { kind: 'rope' }>,
): number[] {
  const half = inverseFrequencies.length;
  return row.map((x, i) => {
    const feature = (i % headSize) - offset;
    if (feature < 0 || feature >= 2 * half) return x;
    const pair = interleaved ? Math.floor(feature / 2) : feature % half;
    const isFirst = interleaved ? feature % 2 === 0 : feature < half;
    const distance = interleaved ? 1 : half;
    const angle = position * inverseFrequencies[pair]!;
    const partner = isFirst ? -row[i + distance]! : row[i - distance]!;
    return attentionFactor * (x * Math.cos(angle) + partner * Math.sin(angle));
  });
}

/** Keys or values as the cache keeps them. */
function cached(rows: Rows, type: ElementType): Rows {
  return rows.map((row) => row.map((x) => decodeElement(encodeElement(x, type), type)));
}

function attend(operation: AttentionOperation, query: Rows, key: Rows, value: Rows): Rows {
  const { numHeads, numKvHeads, headSize, scale, slidingWindow = Number.POSITIVE_INFINITY } = operation;
  const { valueHeadSize = headSize } = operation;
  const headOf = (row: readonly number[], head: number, size: number) => row.slice(head * size, (head + 1) * size);
  return query.map((row, position) =>
    Array.from({ length: numHeads }, (_, head) => {
      const kvHead = Math.floor(head / (numHeads / numKvHeads));
      const seen = query
        .map((_, other) => other)
        .filter((other) => other <= position && position - other < slidingWindow);
      const scores = seen.map((other) => {
        const keys = headOf(key[other]!, kvHead, headSize);
        return Math.exp(scale * headOf(row, head, headSize).reduce((sum, x, i) => sum + x * keys[i]!, 0));
      });
      const total = scores.reduce((sum, score) => sum + score, 0);
      return Array.from({ length: valueHeadSize }, (_, i) =>
        seen.reduce(
          (sum, other, index) => sum + (scores[index]! / total) * headOf(value[other]!, kvHead, valueHeadSize)[i]!,
          0,
        ),
      );
    }).flat(),
  );
}
