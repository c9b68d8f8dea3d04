import type { LinearDescription } from '@lowbit/core';
import { decodeStored, dequantizeWeight } from '@lowbit/numerics';
import { describe, expect, it } from 'vitest';
import { tensorReader } from '../synthetic-tensor.ts';
import { expectClose, relativeToRow } from './expect-close.ts';
import { expectedLogits } from './expected-logits.ts';
import { compileProgram, makeBatch } from './run-program.ts';
import type { Subject } from './subject.ts';
import { type SyntheticProgram, syntheticProgram } from './synthetic-program.ts';

const hiddenSize = 24;
const numExperts = 4;
const tokens = Array.from({ length: hiddenSize }, (_, token) => token);
const kvCache = { blockSize: 4, blocks: 8 };

/** Which tokens go in one batch, given the tokens that each expert is the first choice of, most first. */
type Choose = (tokensOf: readonly (readonly number[])[]) => readonly number[];

const cases: Readonly<Record<string, { readonly topK: number; readonly choose: Choose }>> = {
  'no token goes to one expert': { topK: 1, choose: (tokensOf) => tokensOf.slice(0, -1).flat() },
  'all tokens go to one expert': { topK: 1, choose: ([first = []]) => first },
  'every token goes to every expert': { topK: numExperts, choose: () => tokens },
};

/** Experts where the routing is lopsided: the same numbers as each token computed alone. */
export function routingSuite(subject: Subject): void {
  describe('routing', () => {
    for (const [name, { topK, choose }] of Object.entries(cases)) {
      it(name, async (context) => {
        const synthetic = expertsProgram(topK);
        const tokenIds = choose(tokensByFirstChoice(synthetic));
        expect(tokenIds.length, 'tokens in the batch').toBeGreaterThan(3);
        const executable = await compileProgram(context, subject, synthetic, { kvCache });
        try {
          const together = await executable.run(makeBatch([{ tokenIds, blocks: [5, 0, 7, 2, 1, 6] }]));
          const expected = expectedLogits(synthetic, tokenIds);
          expectClose(together, relativeToRow(expected, hiddenSize), subject.tolerance);
          for (const [row, tokenId] of tokenIds.entries()) {
            const alone = await executable.run(makeBatch([{ tokenIds: [tokenId], blocks: [3] }]));
            const among = together.slice(row * hiddenSize, (row + 1) * hiddenSize);
            if (subject.bitExactBatches) expect(among).toEqual(alone);
            else expectClose(among, relativeToRow(Float64Array.from(alone), hiddenSize), subject.tolerance);
          }
        } finally {
          await executable.close();
        }
      });
    }
  });
}

/** Embedding, router and experts, whose output is the logits. */
function expertsProgram(topK: number): SyntheticProgram {
  return syntheticProgram({ vocabSize: hiddenSize, contextLength: 32 }, (builder) => {
    const input = builder.embedding('hidden', hiddenSize);
    const routerLogits = builder.value('routerLogits', numExperts);
    const router = builder.linear('router', numExperts, hiddenSize);
    builder.operation({ kind: 'linear', input, parts: [{ module: router, output: routerLogits }] });
    const module = builder.experts('experts', { numExperts, hiddenSize, intermediateSize: 10 });
    const output = builder.value('mixed', hiddenSize);
    const routing = { topK, scoring: 'softmax', normalize: true, scale: 1 } as const;
    builder.operation({ kind: 'moe', module, input, routerLogits, output, ...routing });
    builder.valueAsLogits(output);
  });
}

/** For each expert, the tokens whose largest router logit is its own; the expert with most tokens first. */
function tokensByFirstChoice({ descriptions, tensors }: SyntheticProgram): readonly (readonly number[])[] {
  const read = tensorReader(tensors);
  const weightsOf = (module: string) => dequantizeWeight((descriptions.get(module) as LinearDescription).weight, read);
  const [table, router] = [weightsOf('embedding'), weightsOf('router')];
  const { bias } = descriptions.get('router') as LinearDescription;
  const added = decodeStored(bias!, read(bias!.ref), [['out', numExperts]]);
  const firstChoice = tokens.map((token) => {
    const logits = Array.from(added, (start, expert) =>
      tokens.reduce((sum, i) => sum + table[token * hiddenSize + i]! * router[expert * hiddenSize + i]!, start),
    );
    return logits.indexOf(Math.max(...logits));
  });
  return Array.from({ length: numExperts }, (_, expert) =>
    tokens.filter((token) => firstChoice[token] === expert),
  ).sort((left, right) => right.length - left.length);
}
