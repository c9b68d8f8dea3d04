import { type SyntheticProgram, syntheticProgram } from './synthetic-program.ts';
import { awqGemm } from './weight-forms.ts';

const sizes = { vocabSize: 40, hidden: 64, numHeads: 4, numKvHeads: 2, headSize: 16, intermediate: 96 };

/**
 * Two layers as decoders have them: norms per head, RoPE, shared key heads, a sliding window in the second layer. Its
 * linears are f32, or 4-bit in groups of 32.
 */
export function decoder(linears: 'f32' | '4-bit'): SyntheticProgram {
  const { vocabSize, hidden, numHeads, numKvHeads, headSize, intermediate } = sizes;
  const queryWidth = numHeads * headSize;
  const keyWidth = numKvHeads * headSize;

  return syntheticProgram({ vocabSize, contextLength: 64 }, (builder) => {
    const { operation } = builder;
    const linear = (module: string, outFeatures: number, inFeatures: number) =>
      builder.linear(
        module,
        outFeatures,
        inFeatures,
        linears === 'f32' ? undefined : awqGemm(outFeatures, inFeatures, 32),
      );
    const norm = (module: string, input: string, output: string, size: number) =>
      operation({ kind: 'rms-norm', module: builder.norm(module, size), input, output, epsilon: 1e-5, size });

    builder.embedding('hidden', hidden);
    for (const name of ['normed', 'attended', 'update']) builder.value(name, hidden);
    builder.value('query', queryWidth);
    for (const name of ['key', 'value']) builder.value(name, keyWidth);
    for (const name of ['gate', 'up', 'activated']) builder.value(name, intermediate);

    for (const layer of ['0', '1']) {
      norm(`${layer}.input_norm`, 'hidden', 'normed', hidden);
      operation({
        kind: 'linear',
        input: 'normed',
        parts: [
          { module: linear(`${layer}.q_proj`, queryWidth, hidden), output: 'query' },
          { module: linear(`${layer}.k_proj`, keyWidth, hidden), output: 'key' },
          { module: linear(`${layer}.v_proj`, keyWidth, hidden), output: 'value' },
        ],
      });
      norm(`${layer}.q_norm`, 'query', 'query', headSize);
      norm(`${layer}.k_norm`, 'key', 'key', headSize);
      const inverseFrequencies = Array.from({ length: headSize / 2 }, (_, j) => 100 ** (-j / (headSize / 2)));
      operation({ kind: 'rope', values: ['query', 'key'], headSize, inverseFrequencies, attentionFactor: 1 });
      operation({
        kind: 'attention',
        cache: builder.cache(`${layer}.self_attn`, { numKvHeads, headSize }),
        query: 'query',
        key: 'key',
        value: 'value',
        output: 'attended',
        numHeads,
        numKvHeads,
        headSize,
        scale: headSize ** -0.5,
        ...(layer === '1' ? { slidingWindow: 5 } : {}),
      });
      operation({
        kind: 'linear',
        input: 'attended',
        parts: [{ module: linear(`${layer}.o_proj`, hidden, queryWidth), output: 'update' }],
      });
      operation({ kind: 'add', left: 'hidden', right: 'update', output: 'hidden' });
      norm(`${layer}.mlp_norm`, 'hidden', 'normed', hidden);
      operation({
        kind: 'linear',
        input: 'normed',
        parts: [
          { module: linear(`${layer}.gate_proj`, intermediate, hidden), output: 'gate' },
          { module: linear(`${layer}.up_proj`, intermediate, hidden), output: 'up' },
        ],
      });
      operation({ kind: 'silu-mul', gate: 'gate', up: 'up', output: 'activated' });
      operation({
        kind: 'linear',
        input: 'activated',
        parts: [{ module: linear(`${layer}.down_proj`, hidden, intermediate), output: 'update' }],
      });
      operation({ kind: 'add', left: 'hidden', right: 'update', output: 'hidden' });
    }

    norm('norm', 'hidden', 'normed', hidden);
    operation({ kind: 'logits', module: linear('lm_head', vocabSize, hidden), input: 'normed' });
  });
}
