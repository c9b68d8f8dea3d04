import type { MoeOperation } from '@lowbit/core';
import type { kvCacheCases } from './subject.ts';
import { type ProgramBuilder, type SyntheticProgram, syntheticProgram } from './synthetic-program.ts';

/** Most tokens of a sequence. */
const contextLength = 32;

/** A program around one operation, whose logits are what the operation gave. */
function around(width: number, build: (builder: ProgramBuilder) => string): SyntheticProgram {
  return syntheticProgram({ vocabSize: width, contextLength }, (builder) => builder.valueAsLogits(build(builder)));
}

interface AttentionShape {
  readonly numHeads: number;
  readonly numKvHeads: number;
  readonly headSize: number;
  readonly valueHeadSize?: number;
  readonly slidingWindow?: number;
  readonly type?: (typeof kvCacheCases)[number];
}

export function attentionProgram({ type, ...shape }: AttentionShape): SyntheticProgram {
  const { numHeads, slidingWindow: _, ...heads } = shape;
  const { numKvHeads, headSize, valueHeadSize = headSize } = heads;
  const queryWidth = numHeads * headSize;
  const keyWidth = numKvHeads * headSize;
  const valueWidth = numKvHeads * valueHeadSize;
  const outputWidth = numHeads * valueHeadSize;
  return around(outputWidth, (builder) => {
    const input = builder.embedding('hidden', 10);
    builder.operation({
      kind: 'linear',
      input,
      parts: [
        { module: builder.linear('q_proj', queryWidth, 10), output: builder.value('query', queryWidth) },
        { module: builder.linear('k_proj', keyWidth, 10), output: builder.value('key', keyWidth) },
        { module: builder.linear('v_proj', valueWidth, 10), output: builder.value('value', valueWidth) },
      ],
    });
    builder.operation({
      kind: 'attention',
      cache: builder.cache('self_attn', heads, type),
      query: 'query',
      key: 'key',
      value: 'value',
      output: builder.value('attended', outputWidth),
      ...shape,
      // Larger than usual, so that the weights are far from equal.
      scale: 1.7,
    });
    return 'attended';
  });
}

type Routing = Pick<MoeOperation, 'topK' | 'scoring' | 'normalize' | 'scale' | 'groups'>;

function expertsProgram({ withBias, ...routing }: Routing & { readonly withBias?: true }): SyntheticProgram {
  const sizes = { numExperts: 8, hiddenSize: 10, intermediateSize: 6 };
  return around(sizes.hiddenSize, (builder) => {
    const input = builder.embedding('hidden', sizes.hiddenSize);
    const router = builder.linear('router', sizes.numExperts, sizes.hiddenSize);
    const routerLogits = builder.value('routerLogits', sizes.numExperts);
    builder.operation({ kind: 'linear', input, parts: [{ module: router, output: routerLogits }] });
    builder.operation({
      kind: 'moe',
      module: builder.experts('experts', sizes),
      input,
      routerLogits,
      output: builder.value('mixed', sizes.hiddenSize),
      ...routing,
      ...(withBias ? { choiceBias: builder.vector('router.bias', sizes.numExperts) } : {}),
    });
    return 'mixed';
  });
}

/** Programs around one operation each, by what is special about it. */
export const operationPrograms: Readonly<Record<string, () => SyntheticProgram>> = {
  embedding: () => around(7, (builder) => builder.embedding('hidden', 7)),

  'rms-norm over the row': () =>
    around(10, (builder) => {
      const input = builder.embedding('hidden', 10);
      const output = builder.value('normed', 10);
      builder.operation({ kind: 'rms-norm', module: builder.norm('norm', 10), input, output, epsilon: 1e-2, size: 10 });
      return output;
    }),
  'rms-norm per head, in place': () =>
    around(12, (builder) => {
      const input = builder.embedding('hidden', 12);
      builder.operation({
        kind: 'rms-norm',
        module: builder.norm('norm', 4),
        input,
        output: input,
        epsilon: 1e-6,
        size: 4,
      });
      return input;
    }),

  'linear of two parts, add': () =>
    around(13, (builder) => {
      const input = builder.embedding('hidden', 10);
      builder.operation({
        kind: 'linear',
        input,
        parts: [
          { module: builder.linear('left', 13, 10), output: builder.value('left', 13) },
          { module: builder.linear('right', 13, 10), output: builder.value('right', 13) },
        ],
      });
      builder.operation({ kind: 'add', left: 'left', right: 'right', output: builder.value('sum', 13) });
      return 'sum';
    }),
  'add to its own input': () =>
    around(9, (builder) => {
      const input = builder.embedding('hidden', 9);
      builder.operation({ kind: 'add', left: input, right: input, output: input });
      return input;
    }),
  'silu-mul': () =>
    around(11, (builder) => {
      const gate = builder.embedding('hidden', 11);
      const module = builder.linear('up', 11, 11);
      builder.operation({ kind: 'linear', input: gate, parts: [{ module, output: builder.value('up', 11) }] });
      builder.operation({ kind: 'silu-mul', gate, up: 'up', output: builder.value('activated', 11) });
      return 'activated';
    }),

  'rope over whole heads': () =>
    around(16, (builder) => {
      const input = builder.embedding('hidden', 16);
      const inverseFrequencies = [1, 0.31, 0.05, 0.007];
      builder.operation({ kind: 'rope', values: [input], headSize: 8, inverseFrequencies, attentionFactor: 1 });
      return input;
    }),
  'rope over parts of heads, scaled': () =>
    around(18, (builder) => {
      const input = builder.embedding('hidden', 18);
      const inverseFrequencies = [1, 0.1];
      builder.operation({ kind: 'rope', values: [input], headSize: 6, inverseFrequencies, attentionFactor: 1.25 });
      return input;
    }),
  'rope of neighbours': () =>
    around(16, (builder) => {
      const input = builder.embedding('hidden', 16);
      const inverseFrequencies = [1, 0.31, 0.05, 0.007];
      const form = { inverseFrequencies, attentionFactor: 1.25, interleaved: true } as const;
      builder.operation({ kind: 'rope', values: [input], headSize: 8, ...form });
      return input;
    }),
  'rope of neighbours in the middle of heads': () =>
    around(18, (builder) => {
      const input = builder.embedding('hidden', 18);
      const form = { inverseFrequencies: [1, 0.1], attentionFactor: 1, interleaved: true, offset: 3 } as const;
      builder.operation({ kind: 'rope', values: [input], headSize: 9, ...form });
      return input;
    }),
  'rope of halves in the middle of heads': () =>
    around(18, (builder) => {
      const input = builder.embedding('hidden', 18);
      const form = { inverseFrequencies: [1, 0.1], attentionFactor: 1, offset: 4 };
      builder.operation({ kind: 'rope', values: [input], headSize: 9, ...form });
      return input;
    }),

  'concat of slices of each head and one that all share': () =>
    around(15, (builder) => {
      const input = builder.embedding('hidden', 14);
      builder.operation({
        kind: 'concat',
        output: builder.value('heads', 15),
        heads: 3,
        parts: [
          { input, start: 1, stride: 4, size: 3 },
          { input, start: 12, stride: 0, size: 2 },
        ],
      });
      return 'heads';
    }),
  'concat that splits': () =>
    around(5, (builder) => {
      const input = builder.embedding('hidden', 9);
      const parts = [{ input, start: 3, stride: 0, size: 5 }];
      builder.operation({ kind: 'concat', output: builder.value('part', 5), heads: 1, parts });
      return 'part';
    }),

  'experts by softmax': () => expertsProgram({ topK: 3, scoring: 'softmax', normalize: false, scale: 1.5 }),
  'experts by softmax, normalized': () => expertsProgram({ topK: 2, scoring: 'softmax', normalize: true, scale: 1 }),
  'experts by sigmoid': () => expertsProgram({ topK: 2, scoring: 'sigmoid', normalize: true, scale: 2.5 }),
  'experts by sigmoid, a bias for the choice': () =>
    expertsProgram({ topK: 3, scoring: 'sigmoid', normalize: true, scale: 1, withBias: true }),
  'experts of the groups with the best expert': () =>
    expertsProgram({
      topK: 3,
      scoring: 'softmax',
      normalize: false,
      scale: 16,
      groups: { count: 4, chosen: 2, score: 'largest' },
    }),
  'experts of the groups with the two best experts, a bias for the choice': () =>
    expertsProgram({
      topK: 2,
      scoring: 'sigmoid',
      normalize: true,
      scale: 2.5,
      groups: { count: 4, chosen: 1, score: 'two-largest' },
      withBias: true,
    }),

  'attention, a key head per query head': () => attentionProgram({ numHeads: 2, numKvHeads: 2, headSize: 16 }),
  'attention, three query heads share a key head': () => attentionProgram({ numHeads: 6, numKvHeads: 2, headSize: 16 }),
  'attention, one key head for all': () => attentionProgram({ numHeads: 4, numKvHeads: 1, headSize: 16 }),
  'attention over a window of 3': () =>
    attentionProgram({ numHeads: 2, numKvHeads: 1, headSize: 16, slidingWindow: 3 }),
  'attention over a window of 1': () =>
    attentionProgram({ numHeads: 2, numKvHeads: 1, headSize: 16, slidingWindow: 1 }),
  'attention with values narrower than keys': () =>
    attentionProgram({ numHeads: 4, numKvHeads: 2, headSize: 12, valueHeadSize: 8 }),
  'attention with values wider than keys': () =>
    attentionProgram({ numHeads: 2, numKvHeads: 2, headSize: 6, valueHeadSize: 10 }),
  'attention with heads of 6': () => attentionProgram({ numHeads: 3, numKvHeads: 3, headSize: 6 }),
};
