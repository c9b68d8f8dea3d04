import type { Batch, Operation, Phase } from '@lowbit/core';
import { forwardRows } from './linear/forward-rows.ts';
import { route } from './moe/route.ts';
import { add } from './ops/add.ts';
import { attention } from './ops/attention.ts';
import { concat } from './ops/concat.ts';
import { rmsNorm } from './ops/rms-norm.ts';
import { rope } from './ops/rope.ts';
import { sigmoidMul } from './ops/sigmoid-mul.ts';
import { siluMul } from './ops/silu-mul.ts';
import type { OperationChecker } from './program-checker.ts';

/** What the operations of one run work on. */
export interface Run {
  readonly batch: Batch;
  /** Of each row. */
  readonly phases: readonly Phase[];
  /** A value, `[tokens, width]`: zeros until an operation writes it. */
  value(name: string): Float32Array;
  store(name: string, value: Float32Array): void;
  logits: Float32Array;
}

/** An operation with its modules at hand, checked. */
export type Step = (run: Run) => void | Promise<void>;

export function bindOperation(operation: Operation, check: OperationChecker): Step {
  switch (operation.kind) {
    case 'embedding': {
      const { embedding, vocabSize, hiddenSize } = check.module(operation.module, 'embedding');
      check.require(
        vocabSize >= check.vocabSize,
        `a table of ${vocabSize} rows for a vocabulary of ${check.vocabSize}`,
      );
      check.writes(operation.output, hiddenSize);
      return async ({ batch, store }) => store(operation.output, await embedding.forward(batch.tokenIds));
    }

    case 'rms-norm': {
      const { input, output, epsilon, size } = operation;
      const norm = check.module(operation.module, 'norm');
      const width = check.reads(input);
      check.require(norm.weight.length === size, `a norm of ${norm.weight.length} features over runs of ${size}`);
      check.require(width % size === 0, `runs of ${size} features in a value of ${width}`);
      check.writes(output, width);
      return ({ value }) => rmsNorm(value(input), norm, epsilon, value(output));
    }

    case 'linear': {
      const { input } = operation;
      const parts = operation.parts.map(({ module, output }) => {
        const { linear, inFeatures, outFeatures } = check.module(module, 'linear');
        check.reads(input, inFeatures);
        check.writes(output, outFeatures);
        return { linear, output };
      });
      return async ({ phases, value, store }) => {
        const x = value(input);
        for (const { linear, output } of parts) store(output, await forwardRows(linear, x, phases));
      };
    }

    case 'concat': {
      const { heads, parts, output } = operation;
      for (const { input, start, stride, size } of parts) {
        const end = start + (heads - 1) * stride + size;
        check.require(end <= check.reads(input), `features ${start} to ${end} of ${input}, which is narrower`);
        check.require(input !== output, `${output} is put together from itself`);
      }
      const headSize = parts.reduce((sum, { size }) => sum + size, 0);
      check.writes(output, heads * headSize);
      return ({ value }) => concat(operation, value, value(output));
    }

    case 'rope': {
      const { values, headSize, inverseFrequencies, offset = 0 } = operation;
      check.require(
        offset + 2 * inverseFrequencies.length <= headSize,
        `${inverseFrequencies.length} frequencies from feature ${offset} for heads of ${headSize}`,
      );
      for (const name of values) {
        const width = check.reads(name);
        check.require(width % headSize === 0, `heads of ${headSize} features in a value of ${width}`);
      }
      return ({ batch, value }) => {
        for (const name of values) rope(value(name), batch.positions, operation);
      };
    }

    case 'attention': {
      const { numHeads, numKvHeads, headSize, valueHeadSize = headSize } = operation;
      const module = check.module(operation.cache, 'kvCache');
      check.require(
        module.numKvHeads === numKvHeads && module.headSize === headSize,
        `a cache of ${module.numKvHeads} heads of ${module.headSize}, needs ${numKvHeads} of ${headSize}`,
      );
      check.require(
        module.valueHeadSize === valueHeadSize,
        `a cache of values with heads of ${module.valueHeadSize}, needs ${valueHeadSize}`,
      );
      check.require(numHeads % numKvHeads === 0, `${numHeads} heads cannot share ${numKvHeads}`);
      check.reads(operation.query, numHeads * headSize);
      check.reads(operation.key, numKvHeads * headSize);
      check.reads(operation.value, numKvHeads * valueHeadSize);
      check.writes(operation.output, numHeads * valueHeadSize);
      return ({ batch, value }) => {
        const values = {
          query: value(operation.query),
          key: value(operation.key),
          value: value(operation.value),
          output: value(operation.output),
        };
        for (const sequence of batch.sequences) {
          attention(operation, module.cache, sequence, batch.positions, values);
        }
      };
    }

    case 'silu-mul': {
      const { gate, up, output } = operation;
      check.writes(output, check.reads(up, check.reads(gate)));
      return ({ value }) => siluMul(value(gate), value(up), value(output));
    }

    case 'moe': {
      const { input, routerLogits, output, topK, groups } = operation;
      const { moe, numExperts, hiddenSize } = check.module(operation.module, 'moe');
      check.require(topK >= 1 && topK <= numExperts, `${topK} of ${numExperts} experts for each row`);
      if (groups) {
        const size = numExperts / groups.count;
        check.require(
          Number.isInteger(size) && groups.chosen <= groups.count && topK <= groups.chosen * size,
          `${topK} experts out of ${groups.chosen} of ${groups.count} groups of ${numExperts} experts`,
        );
      }
      const bias = operation.choiceBias === undefined ? undefined : check.module(operation.choiceBias, 'vector').vector;
      check.require((bias?.length ?? numExperts) === numExperts, `a bias of ${bias?.length} for ${numExperts} experts`);
      check.reads(routerLogits, numExperts);
      check.reads(input, hiddenSize);
      check.writes(output, hiddenSize);
      return async ({ phases, value, store }) => {
        const routing = route(value(routerLogits), operation, phases, bias);
        store(output, await moe.forward(value(input), routing));
      };
    }

    case 'sigmoid-mul': {
      const { gate, input, output } = operation;
      check.reads(gate, 1);
      check.writes(output, check.reads(input));
      return ({ value }) => sigmoidMul(value(gate), value(input), value(output));
    }

    case 'add': {
      const { left, right, output } = operation;
      check.writes(output, check.reads(right, check.reads(left)));
      return ({ value }) => add(value(left), value(right), value(output));
    }

    case 'logits': {
      const { input } = operation;
      const { linear, inFeatures, outFeatures } = check.module(operation.module, 'linear');
      check.reads(input, inFeatures);
      check.require(outFeatures === check.vocabSize, `${outFeatures} logits for a vocabulary of ${check.vocabSize}`);
      return async (run) => {
        const { logitRows } = run.batch;
        const x = run.value(input);
        const rows = new Float32Array(logitRows.length * inFeatures);
        logitRows.forEach((row, index) => {
          rows.set(x.subarray(row * inFeatures, (row + 1) * inFeatures), index * inFeatures);
        });
        const phases = Array.from(logitRows, (row) => run.phases[row]!);
        run.logits = await forwardRows(linear, rows, phases);
      };
    }
  }
}
