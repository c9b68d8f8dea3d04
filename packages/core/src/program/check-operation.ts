import type { AttentionOperation, MoeOperation, Operation } from '../program.ts';
import type { OperationChecker } from './operation-checker.ts';
import { unknownOperation } from './program-error.ts';

/** @throws LowbitError PROGRAM */
export function checkOperation(operation: Operation, index: number, check: OperationChecker): void {
  switch (operation.kind) {
    case 'embedding': {
      const { outFeatures: rows, inFeatures } = check.module(operation.module, 'embedding').weight;
      check.require(rows >= check.vocabSize, `a table of ${rows} rows for a vocabulary of ${check.vocabSize}`);
      check.writes(operation.output, inFeatures);
      break;
    }

    case 'rms-norm': {
      const { input, output, size } = operation;
      const features = check.size(operation.module, 'norm');
      const width = check.reads(input);
      check.require(features === size, `a norm of ${features} features over runs of ${size}`);
      check.require(width % size === 0, `runs of ${size} features in a value of ${width}`);
      check.writes(output, width);
      break;
    }

    case 'linear':
      for (const { module, output } of operation.parts) {
        const { inFeatures, outFeatures } = check.module(module, 'linear').weight;
        check.reads(operation.input, inFeatures);
        check.writes(output, outFeatures);
      }
      break;

    case 'concat': {
      const { heads, parts, output } = operation;
      for (const { input, start, stride, size } of parts) {
        const end = start + (heads - 1) * stride + size;
        check.require(end <= check.reads(input), `features ${start} to ${end} of ${input}, which is narrower`);
        check.require(input !== output, `${output} is put together from itself`);
      }
      check.writes(output, heads * parts.reduce((sum, { size }) => sum + size, 0));
      break;
    }

    case 'rope': {
      const { values, headSize, inverseFrequencies, offset = 0 } = operation;
      const { length } = inverseFrequencies;
      const fits = offset + 2 * length <= headSize;
      check.require(fits, `${length} frequencies from feature ${offset} for heads of ${headSize}`);
      for (const name of values) {
        const width = check.reads(name);
        check.require(width % headSize === 0, `heads of ${headSize} features in a value of ${width}`);
      }
      break;
    }

    case 'attention':
      checkAttention(operation, check);
      break;

    case 'silu-mul':
      check.writes(operation.output, check.reads(operation.up, check.reads(operation.gate)));
      break;

    case 'moe':
      checkMoe(operation, check);
      break;

    case 'sigmoid-mul':
      check.reads(operation.gate, 1);
      check.writes(operation.output, check.reads(operation.input));
      break;

    case 'add':
      check.writes(operation.output, check.reads(operation.right, check.reads(operation.left)));
      break;

    case 'logits': {
      const { inFeatures, outFeatures } = check.module(operation.module, 'linear').weight;
      check.reads(operation.input, inFeatures);
      const fits = outFeatures === check.vocabSize;
      check.require(fits, `${outFeatures} logits for a vocabulary of ${check.vocabSize}`);
      break;
    }

    default:
      unknownOperation(operation, index);
  }
}

function checkAttention(operation: AttentionOperation, check: OperationChecker): void {
  const { numHeads, numKvHeads, headSize, valueHeadSize = headSize } = operation;
  const cache = check.module(operation.cache, 'kvCache');
  check.require(
    cache.numKvHeads === numKvHeads && cache.headSize === headSize,
    `a cache of ${cache.numKvHeads} heads of ${cache.headSize}, needs ${numKvHeads} of ${headSize}`,
  );
  const kept = cache.valueHeadSize ?? cache.headSize;
  check.require(kept === valueHeadSize, `a cache of values with heads of ${kept}, needs ${valueHeadSize}`);
  check.require(numHeads % numKvHeads === 0, `${numHeads} heads cannot share ${numKvHeads}`);
  check.reads(operation.query, numHeads * headSize);
  check.reads(operation.key, numKvHeads * headSize);
  check.reads(operation.value, numKvHeads * valueHeadSize);
  check.writes(operation.output, numHeads * valueHeadSize);
}

function checkMoe(
  { module, input, routerLogits, output, topK, groups, choiceBias }: MoeOperation,
  check: OperationChecker,
) {
  const { experts } = check.module(module, 'moe');
  const hiddenSize = experts[0]?.gate.weight.inFeatures ?? 0;
  const numExperts = experts.length;
  check.require(topK >= 1 && topK <= numExperts, `${topK} of ${numExperts} experts for each row`);
  if (groups) {
    const { count, chosen } = groups;
    const size = numExperts / count;
    check.require(
      Number.isInteger(size) && chosen <= count && topK <= chosen * size,
      `${topK} experts out of ${chosen} of ${count} groups of ${numExperts} experts`,
    );
  }
  const bias = choiceBias === undefined ? numExperts : check.size(choiceBias, 'vector');
  check.require(bias === numExperts, `a bias of ${bias} for ${numExperts} experts`);
  check.reads(routerLogits, numExperts);
  check.reads(input, hiddenSize);
  check.writes(output, hiddenSize);
}
