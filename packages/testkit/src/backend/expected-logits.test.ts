import { expect, it } from 'vitest';
import { expectedLogits } from './expected-logits.ts';
import { syntheticProgram } from './synthetic-program.ts';

it('attends to the tokens before, weighted by softmax', () => {
  const width = 2;
  const program = syntheticProgram({ vocabSize: width, contextLength: 4 }, (builder) => {
    const hidden = builder.embedding('hidden', width);
    builder.operation({
      kind: 'attention',
      cache: builder.cache('attention', { numKvHeads: 1, headSize: width }),
      query: hidden,
      key: hidden,
      value: hidden,
      output: builder.value('attended', width),
      numHeads: 1,
      numKvHeads: 1,
      headSize: width,
      scale: 0.5,
    });
    builder.valueAsLogits('attended');
  });
  const table = new Float32Array(program.tensors[0]!.bytes.slice().buffer);
  const [a, b] = [table.slice(0, 2), table.slice(2)] as [Float32Array, Float32Array];
  const dot = (x: Float32Array, y: Float32Array) => x[0]! * y[0]! + x[1]! * y[1]!;
  const weight = 1 / (1 + Math.exp(0.5 * (dot(b, b) - dot(b, a))));
  const logits = expectedLogits(program, [0, 1]);
  [a[0]!, a[1]!, weight * a[0]! + (1 - weight) * b[0]!, weight * a[1]! + (1 - weight) * b[1]!].forEach((value, i) => {
    expect(logits[i]).toBeCloseTo(value, 12);
  });
});
