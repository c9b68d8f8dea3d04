import {
  type ActivationQuantization,
  type Axis,
  type Digit,
  type Layout,
  type LinearDescription,
  plain,
  remainder,
  whole,
} from '@lowbit/core';
import { memoryBytes, type SyntheticTensor, syntheticTensor, type TableForm } from '@lowbit/testkit';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dequantize } from './dequantize.ts';

const device = { kind: 'cpu', name: 'test' };

function store(name: string, form: TableForm, rows: number, cols: number, values: readonly number[]) {
  const extents = [['out', rows] as const, ['in', cols] as const];
  return syntheticTensor(name, form, extents, values);
}

function vector(name: string, type: 'f32' | 'i32' | 'i8', values: readonly number[], axis: Axis = 'out') {
  const dtype = ({ f32: 'F32', i32: 'I32', i8: 'I8' } as const)[type];
  return syntheticTensor(
    name,
    { type, dtype, shape: [values.length], layout: plain(axis) },
    [[axis, values.length]],
    values,
  );
}

async function run(
  description: LinearDescription,
  tensors: readonly SyntheticTensor[],
  numerics: 'exact' | 'faithful',
  x: readonly (readonly number[])[],
): Promise<number[]> {
  const linear = await dequantize.prepare(description, { device, numerics, bytes: memoryBytes(tensors) });
  return [...(await linear.forward(Float32Array.from(x.flat()), x.length))];
}

/** Worked examples of int8 checkpoints for NPUs: weight [[4,-2,1],[-3,5,2]], weight_scale [0.25,0.5], bias [1,-2]. */
describe('W8A8', () => {
  const form: TableForm = { type: 'i8', dtype: 'I8', shape: [2, 3], layout: plain('out', 'in') };
  const codes = store('weight', form, 2, 3, [4, -2, 1, -3, 5, 2]);
  const weightScale = vector('weight_scale', 'f32', [0.25, 0.5]);
  const bias = vector('bias', 'f32', [1, -2]);
  const weight = {
    outFeatures: 2,
    inFeatures: 3,
    codes: codes.stored,
    scales: [{ ...weightScale.stored, block: [1, 3] as const }],
  };
  const common = { kind: 'linear', module: 'q_proj', weight, bias: bias.stored } as const;

  const inputScale = vector('input_scale', 'f32', [0.5], 'in');
  const inputOffset = vector('input_offset', 'i8', [3], 'in');
  const perTensor: ActivationQuantization = {
    type: 'i8',
    granularity: { kind: 'tensor' },
    scale: { kind: 'static', scale: inputScale.stored, zero: inputOffset.stored },
    rounding: 'half-even',
  };
  const stored = [codes, weightScale, bias, inputScale, inputOffset];

  it('static, with the integer constants that the checkpoint stores', async () => {
    const quantBias = vector('quant_bias', 'i32', [-1, -20]);
    // f32 bits inside int64, as they are on disk.
    const wide: Layout = { axes: [[whole('out')]], packed: { bits: 32, word: 64, fields: [] } };
    const deqScale = syntheticTensor(
      'deq_scale',
      { type: 'f32', dtype: 'I64', shape: [2], layout: wide },
      [['out', 2]],
      [0.125, 0.25],
    );
    expect([...new BigInt64Array(deqScale.bytes.slice().buffer)]).toEqual([1040187392n, 1048576000n]);
    const integer = { accumulatorBias: quantBias.stored, outputScale: deqScale.stored };
    const description = { ...common, scheme: 'w8a8', activations: perTensor, integer };
    expect(dequantize.refuse(description, device, 'faithful')).toBeUndefined();
    const tensors = [...stored, quantBias, deqScale];
    expect(await run(description, tensors, 'faithful', [[1.2, -0.8, 2]])).toEqual([3, -4]);
    // Untouched activations: 0.25 * (4.8 + 1.6 + 2) + 1 and 0.5 * (-3.6 - 4 + 4) - 2.
    const exact = await run(description, tensors, 'exact', [[1.2, -0.8, 2]]);
    expect(exact[0]).toBeCloseTo(3.1, 6);
    expect(exact[1]).toBeCloseTo(-3.8, 6);
  });

  it('dynamic for prompts, static with integer constants for what follows', async () => {
    const quantBias = vector('quant_bias', 'i32', [-1, -20]);
    const deqScale = vector('deq_scale', 'f32', [0.125, 0.25]);
    const dynamic: ActivationQuantization = {
      type: 'i8',
      granularity: { kind: 'token' },
      scale: { kind: 'dynamic', symmetric: true, divisor: 127 },
      rounding: 'half-even',
    };
    const integer = { accumulatorBias: quantBias.stored, outputScale: deqScale.stored };
    const description = {
      ...common,
      scheme: 'w8a8-mix',
      activations: dynamic,
      decoding: { activations: perTensor, integer },
    };
    const tensors = [...stored, quantBias, deqScale];
    const x = Float32Array.of(1.2, -0.8, 2);
    for (const numerics of ['faithful', 'exact'] as const) {
      const prepared = (of: LinearDescription) =>
        dequantize.prepare(of, { device, numerics, bytes: memoryBytes(tensors) });
      const linear = await prepared(description);
      const prefill = await (await prepared({ ...common, scheme: '', activations: dynamic })).forward(x, 1);
      const decode = await (await prepared({ ...common, scheme: '', ...description.decoding })).forward(x, 1);
      expect(await linear.forward(x, 1)).toEqual(prefill);
      expect(await linear.forward(x, 1, 'prefill')).toEqual(prefill);
      expect(await linear.forward(x, 1, 'decode')).toEqual(decode);
      if (numerics === 'exact') expect(decode).toEqual(prefill);
      else expect([...decode]).toEqual([3, -4]);
    }
  });

  it('static, without them', async () => {
    const description = { ...common, scheme: 'w8a8', activations: perTensor };
    expect(await run(description, stored, 'faithful', [[1.2, -0.8, 2]])).toEqual([3, -4]);
  });

  it('dynamic per token, and a token of zeros gives the bias', async () => {
    const activations: ActivationQuantization = {
      type: 'i8',
      granularity: { kind: 'token' },
      scale: { kind: 'dynamic', symmetric: true, divisor: 127 },
      rounding: 'half-even',
    };
    const y = await run({ ...common, scheme: 'w8a8-dynamic', activations }, stored, 'faithful', [
      [1, -2, 0.5],
      [0, 0, 0],
    ]);
    expect(y[0]).toBeCloseTo(3.1338582, 6);
    expect(y[1]).toBeCloseTo(-8.007874, 5);
    expect(y.slice(2)).toEqual([1, -2]);
  });

  it('with a zero point', async () => {
    // codes [[50,-128,127,3],[-7,0,90,-60]] with zero -28 and scale 0.02 times codes [[3,2,-1,6],[-5,7,4,-8]].
    const b = store('weight', { ...form, shape: [2, 4] }, 2, 4, [3, 2, -1, 6, -5, 7, 4, -8]);
    const scale = vector('weight_scale', 'f32', [0.1, 0.05]);
    const [s, z] = [vector('input_scale', 'f32', [0.02], 'in'), vector('input_zero', 'i8', [-28], 'in')];
    const description: LinearDescription = {
      kind: 'linear',
      module: 'q_proj',
      scheme: 'w8a8',
      weight: { outFeatures: 2, inFeatures: 4, codes: b.stored, scales: [{ ...scale.stored, block: [1, 4] }] },
      activations: { ...perTensor, scale: { kind: 'static', scale: s.stored, zero: z.stored } },
    };
    const codesToInput = (row: readonly number[]) => row.map((q) => (q + 28) * 0.02);
    const x = [codesToInput([50, -128, 127, 3]), codesToInput([-7, 0, 90, -60])];
    const y = await run(description, [b, scale, s, z], 'faithful', x);
    [0.13, -0.718, -0.382, 0.819].forEach((value, i) => {
      expect(y[i]).toBeCloseTo(value, 6);
    });
  });
});

describe('any layout', () => {
  /** Splits a size into digits, slowest first: 12 as (in/4%3, in/2%2, in%2). */
  const digitsOf = (axis: Axis, factors: readonly number[]): Digit[] => {
    let divide = 1;
    return factors
      .map((modulo) => {
        const digit = remainder(axis, modulo, divide);
        divide *= modulo;
        return digit;
      })
      .reverse();
  };
  const sizeOf = (factors: readonly number[]) => factors.reduce((product, factor) => product * factor, 1);
  const factors = fc.array(fc.integer({ min: 2, max: 3 }), { minLength: 1, maxLength: 3 });

  const cases = fc.record({ out: factors, in: factors, bits: fc.constantFrom(2, 4, 8) }).chain((sizes) => {
    const all = [...digitsOf('out', sizes.out), ...digitsOf('in', sizes.in)];
    return fc.record({ sizes: fc.constant(sizes), order: fc.shuffledSubarray(all, { minLength: all.length }) });
  });

  it('multiplies with the very codes that were stored', async () => {
    await fc.assert(
      fc.asyncProperty(cases, fc.integer({ min: 0, max: 1000 }), async ({ sizes, order }, salt) => {
        const outFeatures = sizeOf(sizes.out);
        const inFeatures = sizeOf(sizes.in);
        const { bits } = sizes;
        const perWord = 32 / bits;
        // One digit per dimension; a digit small enough chooses the field of a word instead.
        const [last] = order.slice(-1);
        const fields = last && last.modulo! <= perWord ? [last] : [];
        const axes = (fields.length > 0 ? order.slice(0, -1) : order).map((digit) => [digit]);
        const layout: Layout = { axes, packed: { bits, word: 32, fields } };
        const shape = axes.map(([digit]) => digit!.modulo!);
        const type = `u${bits}` as 'u2' | 'u4' | 'u8';
        const codes = Array.from({ length: outFeatures * inFeatures }, (_, i) => (i * 7 + salt) % 2 ** bits);
        const tensor = store('codes', { type, dtype: 'I32', shape, layout }, outFeatures, inFeatures, codes);
        const weight = { outFeatures, inFeatures, codes: tensor.stored, scales: [] };
        const description = { kind: 'linear', module: 'm', scheme: 'any', weight } as const;
        // The rows of the identity read the weight out, one input feature each.
        const identity = Array.from({ length: inFeatures }, (_, row) =>
          Array.from({ length: inFeatures }, (_, i) => (i === row ? 1 : 0)),
        );
        const y = await run(description, [tensor], 'exact', identity);
        const transposed = Array.from(
          { length: inFeatures * outFeatures },
          (_, i) => codes[(i % outFeatures) * inFeatures + Math.floor(i / outFeatures)]!,
        );
        expect(y).toEqual(transposed);
      }),
      { numRuns: 60 },
    );
  });
});

it('refuses activations that it cannot quantize, unless numerics are exact', () => {
  const codes = vector('codes', 'i8', [1]).stored;
  const scale = { kind: 'dynamic', symmetric: true, divisor: 127 } as const;
  const description: LinearDescription = {
    kind: 'linear',
    module: 'q_proj',
    scheme: 'test',
    weight: { outFeatures: 1, inFeatures: 1, codes, scales: [] },
    activations: { type: 'i32', granularity: { kind: 'token' }, scale, rounding: 'half-even' },
  };
  const refusal = dequantize.refuse(description, device, 'faithful');
  expect(refusal).toMatchObject({ by: 'reference/dequantize', code: 'ACTIVATION_TYPE' });
  expect(dequantize.refuse(description, device, 'fast')).toEqual(refusal);
  expect(dequantize.refuse(description, device, 'exact')).toBeUndefined();
});

it('states the bytes it holds', () => {
  const { stored: codes } = store('w', { type: 'f32', dtype: 'F32', shape: [3, 5], layout: plain('out', 'in') }, 3, 5, [
    ...Array(15).keys(),
  ]);
  const weight = { outFeatures: 3, inFeatures: 5, codes, scales: [] };
  const description = { kind: 'linear', module: 'm', scheme: 'unquantized', weight } as const;
  expect(dequantize.bytes(description)).toBe(3 * 5 * 4);
  expect(dequantize.bytes({ ...description, bias: codes })).toBe(3 * 6 * 4);
  const integer = { accumulatorBias: codes, outputScale: codes };
  expect(dequantize.bytes({ ...description, integer })).toBe(3 * 7 * 4);
  // The codes as integers beside the dequantized weight; the same one where both phases multiply floats.
  expect(dequantize.bytes({ ...description, decoding: { integer } })).toBe(3 * (2 * 5 + 2) * 4);
  expect(dequantize.bytes({ ...description, decoding: {} })).toBe(3 * 5 * 4);
});

it('says what it does not do as the checkpoint says', () => {
  const { stored: codes } = vector('codes', 'f32', [1]);
  const weight = { outFeatures: 1, inFeatures: 1, codes, scales: [] };
  const description = (granularity: 'tensor' | 'token'): LinearDescription => ({
    kind: 'linear',
    module: 'm',
    scheme: 'w8a8',
    weight,
    activations: {
      type: 'i8',
      granularity: { kind: granularity },
      scale: { kind: 'dynamic', symmetric: true, divisor: 127 },
      rounding: 'half-even',
    },
  });
  expect(dequantize.approximation?.(description('token'), 'exact')).toBe(
    'activations stay f32, where the checkpoint quantizes them',
  );
  expect(dequantize.approximation?.(description('token'), 'faithful')).toBeUndefined();
  expect(dequantize.approximation?.(description('tensor'), 'faithful')).toBe(
    'one activation scale per token instead of one per tensor, so that no token depends on its batch',
  );
  const decodingOnly = { ...description('token'), decoding: { activations: description('tensor').activations! } };
  expect(dequantize.approximation?.(decodingOnly, 'exact')).toBe(
    'activations stay f32, where the checkpoint quantizes them',
  );
  expect(dequantize.approximation?.(decodingOnly, 'faithful')).toBe(
    'one activation scale per token instead of one per tensor, so that no token depends on its batch',
  );
});

it('reads a bias past an origin', async () => {
  const codes = store('w', { type: 'f32', dtype: 'F32', shape: [2, 1], layout: plain('out', 'in') }, 2, 1, [1, 2]);
  const bias = vector('b', 'f32', [10, 20]);
  const description = {
    kind: 'linear',
    module: 'm',
    scheme: 'unquantized',
    weight: { outFeatures: 1, inFeatures: 1, codes: { ...codes.stored, origin: { out: 1 } }, scales: [] },
    bias: { ...bias.stored, origin: { out: 1 } },
  } as const;
  expect(await run(description, [codes, bias], 'exact', [[3]])).toEqual([26]);
});
