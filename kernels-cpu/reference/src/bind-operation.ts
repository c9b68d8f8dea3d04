import { type Batch, type Operation, type Phase, unknownOperation } from '@lowbit/core';
import { forwardRows } from './linear/forward-rows.ts';
import { route } from './moe/route.ts';
import { add } from './ops/add.ts';
import { attention } from './ops/attention.ts';
import { concat } from './ops/concat.ts';
import { rmsNorm } from './ops/rms-norm.ts';
import { rope } from './ops/rope.ts';
import { sigmoidMul } from './ops/sigmoid-mul.ts';
import { siluMul } from './ops/silu-mul.ts';
import type { PreparedModule, PreparedModules } from './prepare-modules.ts';

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

/** An operation with its modules at hand. */
export type Step = (run: Run) => void | Promise<void>;

/** For operations of a program that was checked. */
export function bindOperation(operation: Operation, index: number, modules: PreparedModules): Step {
  const moduleOf = <Kind extends PreparedModule['kind']>(name: string, _kind: Kind) =>
    modules.get(name) as Extract<PreparedModule, { kind: Kind }>;

  switch (operation.kind) {
    case 'embedding': {
      const { embedding } = moduleOf(operation.module, 'embedding');
      return async ({ batch, store }) => store(operation.output, await embedding.forward(batch.tokenIds));
    }

    case 'rms-norm': {
      const { input, output, epsilon } = operation;
      const norm = moduleOf(operation.module, 'norm');
      return ({ value }) => rmsNorm(value(input), norm, epsilon, value(output));
    }

    case 'linear': {
      const { input } = operation;
      const parts = operation.parts.map(({ module, output }) => ({ ...moduleOf(module, 'linear'), output }));
      return async ({ phases, value, store }) => {
        const x = value(input);
        for (const { linear, output } of parts) store(output, await forwardRows(linear, x, phases));
      };
    }

    case 'concat':
      return ({ value }) => concat(operation, value, value(operation.output));

    case 'rope':
      return ({ batch, value }) => {
        for (const name of operation.values) rope(value(name), batch.positions, operation);
      };

    case 'attention': {
      const { cache } = moduleOf(operation.cache, 'kvCache');
      return ({ batch, value }) => {
        const values = {
          query: value(operation.query),
          key: value(operation.key),
          value: value(operation.value),
          output: value(operation.output),
        };
        for (const sequence of batch.sequences) attention(operation, cache, sequence, batch.positions, values);
      };
    }

    case 'silu-mul': {
      const { gate, up, output } = operation;
      return ({ value }) => siluMul(value(gate), value(up), value(output));
    }

    case 'moe': {
      const { input, routerLogits, output, choiceBias } = operation;
      const { moe } = moduleOf(operation.module, 'moe');
      const bias = choiceBias === undefined ? undefined : moduleOf(choiceBias, 'vector').vector;
      return async ({ phases, value, store }) => {
        const routing = route(value(routerLogits), operation, phases, bias);
        store(output, await moe.forward(value(input), routing));
      };
    }

    case 'sigmoid-mul': {
      const { gate, input, output } = operation;
      return ({ value }) => sigmoidMul(value(gate), value(input), value(output));
    }

    case 'add': {
      const { left, right, output } = operation;
      return ({ value }) => add(value(left), value(right), value(output));
    }

    case 'logits': {
      const { input } = operation;
      const { linear, inFeatures } = moduleOf(operation.module, 'linear');
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

    default:
      return unknownOperation(operation, index);
  }
}
