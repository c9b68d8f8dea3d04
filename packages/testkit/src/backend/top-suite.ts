import { type Batch, type Executable, type Logits, LowbitError, plain, type TopLogits } from '@lowbit/core';
import { describe, expect, it, type TestContext } from 'vitest';
import { createRandom } from '../random.ts';
import { syntheticTensor } from '../synthetic-tensor.ts';
import { decoder } from './decoder.ts';
import { compileProgram, makeBatch } from './run-program.ts';
import type { Subject } from './subject.ts';
import { type SyntheticProgram, syntheticProgram } from './synthetic-program.ts';

type TopExecutable = Executable & Required<Pick<Executable, 'runTop'>>;

const kvCache = { blockSize: 4, blocks: 8 };
const vocabSize = 5003;
const width = 4;

/** Logits of six of its seven rows are wanted. */
const batch = makeBatch(
  [
    { tokenIds: [3, 14, 7, 21], blocks: [5] },
    { tokenIds: [30, 2, 11], blocks: [0] },
  ],
  [0, 2, 3, 4, 5, 6],
);

const wanted: Readonly<Record<string, readonly number[]>> = {
  'the likeliest token of each row': [1, 1, 1, 1, 1, 1],
  'another number of tokens for each row': [1, 2, 20, 64, 100, 255],
  '256 tokens': [256, 256, 256, 256, 256, 256],
  'more than 256, and the whole vocabulary': [257, 2000, 1, vocabSize - 1, vocabSize, 2],
  'all logits of some rows': [3, 0, 0, 1, 40, 0],
  'all logits of every row': [0, 0, 0, 0, 0, 0],
};

/** The largest logits of rows, against a sort of all logits that the same executable gives. */
export function topSuite(subject: Subject): void {
  const withTop = async (
    context: TestContext,
    synthetic: SyntheticProgram,
    use: (executable: TopExecutable) => Promise<void>,
  ) => {
    const executable = await compileProgram(context, subject, synthetic, { kvCache });
    try {
      if (!executable.runTop) return context.skip('this backend answers with all logits');
      await use(executable as TopExecutable);
    } finally {
      await executable.close();
    }
  };

  describe('largest logits', () => {
    for (const [what, counts] of Object.entries(wanted)) {
      it(`${what}; many logits are equal`, (context) =>
        withTop(context, wideHead(), (executable) => expectTop(executable, vocabSize, batch, counts)));
    }

    it('a small vocabulary', (context) =>
      withTop(context, decoder('f32'), async (executable) => {
        await expectTop(executable, 40, batch, [1, 40, 39, 2, 7, 1]);
        await expectTop(executable, 40, batch, [40, 40, 40, 40, 40, 40]);
      }));

    it('infinite logits', (context) =>
      withTop(context, wideHead({ 0: Number.POSITIVE_INFINITY, 4000: Number.NEGATIVE_INFINITY }), (executable) =>
        expectTop(executable, vocabSize, batch, [1, 2, 3, 1, 256, 20]),
      ));

    it('nothing but -Infinity', (context) => {
      const all = Object.fromEntries(Array.from({ length: vocabSize }, (_, id) => [id, Number.NEGATIVE_INFINITY]));
      return withTop(context, wideHead(all), (executable) =>
        expectTop(executable, vocabSize, batch, [1, 2, 3, 1, 256, 20]),
      );
    });

    for (const tokenId of [0, 77, 4999]) {
      it(`NaN for token ${tokenId}`, (context) =>
        withTop(context, wideHead({ 12: Number.POSITIVE_INFINITY, [tokenId]: Number.NaN }), (executable) =>
          expectTop(executable, vocabSize, batch, [1, 2, 3, 1, 256, 20]),
        ));
    }

    it('the sum only where it is asked for', (context) =>
      withTop(context, decoder('f32'), async (executable) => {
        const counts = Int32Array.of(1, 2, 3, 1, 1, 1);
        expect((await executable.runTop(batch, { counts, logSumExp: false })).logSumExp).toBeUndefined();
      }));

    it('no rows', (context) =>
      withTop(context, decoder('f32'), (executable) =>
        expectTop(executable, 40, { ...batch, logitRows: new Int32Array() }, []),
      ));

    it('rejects requests that do not fit, and runs on', (context) =>
      withTop(context, decoder('f32'), async (executable) => {
        for (const counts of [[1], [1, 1, 1, 1, 1, 41], [1, 1, -1, 1, 1, 1]]) {
          const request = { counts: Int32Array.from(counts), logSumExp: true };
          await expect(executable.runTop(batch, request), `counts ${counts}`).rejects.toSatisfy(LowbitError.isInstance);
        }
        await expectTop(executable, 40, batch, [1, 1, 1, 1, 1, 1]);
      }));

    it('an aborted signal ends it', (context) =>
      withTop(context, decoder('f32'), async (executable) => {
        const reason = new Error('nobody waits any more');
        const request = { counts: Int32Array.of(1, 1, 1, 1, 1, 1), logSumExp: true };
        const running = executable.runTop(batch, request, AbortSignal.abort(reason));
        await running.then(
          ({ tokenIds }) => expect(tokenIds, 'or it was done before').toHaveLength(6),
          (error) => expect(error).toBe(reason),
        );
      }));
  });
}

async function expectTop(
  executable: TopExecutable,
  vocabSize: number,
  batch: Batch,
  counts: readonly number[],
): Promise<void> {
  const expected = sortAll(await executable.run(batch), vocabSize, counts);
  const top = await executable.runTop(batch, { counts: Int32Array.from(counts), logSumExp: true });
  expect([...top.tokenIds], 'token ids').toEqual([...expected.tokenIds]);
  // Not which zero.
  expect(
    Array.from(top.values, (value) => value + 0),
    'values',
  ).toEqual(Array.from(expected.values, (value) => value + 0));
  expect(top.logits, 'all logits').toEqual(expected.logits);
  expect(top.logSumExp).toHaveLength(expected.logSumExp!.length);
  top.logSumExp!.forEach((sum, row) => {
    const exact = expected.logSumExp![row]!;
    if (Number.isFinite(exact)) expect(Math.abs(sum - exact), `logSumExp of row ${row}`).toBeLessThan(1e-5);
    else expect(sum, `logSumExp of row ${row}`).toBe(exact);
  });
}

/** Written out: `selectTopLogits` is under test too. */
function sortAll(logits: Logits, vocabSize: number, counts: readonly number[]): TopLogits {
  const all = { tokenIds: [] as number[], values: [] as number[], logSumExp: [] as number[], logits: [] as number[] };
  for (const [index, count] of counts.entries()) {
    const row = Array.from(logits.subarray(index * vocabSize, (index + 1) * vocabSize));
    if (count === 0) {
      all.logits.push(...row);
      continue;
    }
    const ids = [...row.keys()].sort((a, b) => {
      const [left, right] = [row[a]!, row[b]!];
      const unfit = Number(Number.isNaN(right)) - Number(Number.isNaN(left));
      return unfit || (left === right || Number.isNaN(left) ? a - b : right > left ? 1 : -1);
    });
    const best = ids.slice(0, count);
    all.tokenIds.push(...best);
    all.values.push(...best.map((id) => row[id]!));
    const largest = row[ids[0]!]!;
    const sum = row.reduce((total, logit) => total + Math.exp(logit - largest), 0);
    all.logSumExp.push(Number.isFinite(largest) ? largest + Math.log(sum) : largest);
  }
  return {
    tokenIds: Int32Array.from(all.tokenIds),
    values: Float32Array.from(all.values),
    logSumExp: Float64Array.from(all.logSumExp),
    logits: Float32Array.from(all.logits),
  };
}

/** A head of weights -1, 0 and 1, so that 81 different logits are all there are; `special` are the biases of some tokens. */
function wideHead(special: Readonly<Record<number, number>> = {}): SyntheticProgram {
  const random = createRandom(5);
  const weights = Float32Array.from({ length: vocabSize * width }, () => random.integer(-1, 1));
  const biases = Float32Array.from({ length: vocabSize }, (_, id) => special[id] ?? 0);
  const matrix = { type: 'f32', dtype: 'F32', shape: [vocabSize, width], layout: plain('out', 'in') } as const;
  const vector = { type: 'f32', dtype: 'F32', shape: [vocabSize], layout: plain('out') } as const;
  const extents = [['out', vocabSize] as const, ['in', width] as const];
  const { stored: codes, ...weight } = syntheticTensor('head.weight', matrix, extents, weights);
  const { stored: bias, ...biasTensor } = syntheticTensor('head.bias', vector, [['out', vocabSize]], biases);
  return syntheticProgram({ vocabSize, contextLength: 8 }, (builder) => {
    const input = builder.embedding('hidden', width);
    const module = builder.described(
      {
        kind: 'linear',
        module: 'head',
        scheme: 'synthetic',
        weight: { outFeatures: vocabSize, inFeatures: width, codes, scales: [] },
        bias,
      },
      [weight, biasTensor],
      'head',
    );
    builder.operation({ kind: 'logits', module, input });
  });
}
